"""How often scenarios run, how long outages last, the system they share, and what is said at the end.

``make test`` runs each scenario once, outages with 5 s, and leaves out those marked ``slow``. ``make scenarios N=10``
runs each ten times, except the outages (three times, with 30 s) and the scenarios of the set-up and of lag (once).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.tally import TALLY, Tally

if TYPE_CHECKING:
    from tests.support.system import System

TIMES = int(os.environ.get("MAINSTAY_SCENARIO_TIMES") or 1)
OUTAGES_MAX = 3
OUTAGE_S = 5.0 if TIMES == 1 else 30.0
HERE = Path(__file__).parent
ONCE = {HERE / "setup", HERE / "lag"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Multiply scenarios."""
    if ONCE.intersection(metafunc.definition.path.parents) or TIMES == 1:
        return
    times = min(TIMES, OUTAGES_MAX) if "outage_s" in metafunc.fixturenames else TIMES
    metafunc.fixturenames.append("scenario_round")
    metafunc.parametrize("scenario_round", range(1, times + 1), indirect=True, ids=lambda number: f"round{number}")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Scenarios that share a system come last, together, whatever order others give: it runs beside no other test."""
    yield
    items.sort(key=lambda item: "system" in getattr(item, "fixturenames", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was lost, doubled, unknown."""
    if TALLY.rows:
        terminalreporter.section(f"scenarios: what was counted in {TALLY.scenarios} runs")
        for line in TALLY.lines():
            terminalreporter.write_line(line)


@pytest.fixture
def scenario_round(request: pytest.FixtureRequest) -> int:
    """Which of several runs this is, from 1."""
    number: int = getattr(request, "param", 1)
    return number


@pytest.fixture
def outage_s() -> float:
    """How long an outage lasts; a scenario that asks for it is an outage."""
    return OUTAGE_S


@pytest.fixture
def tally() -> Tally:
    """Where a checker adds what it counted."""
    TALLY.scenarios += 1
    return TALLY


@pytest.fixture(scope="session")
def shared_system() -> Iterator[System]:
    """A whole system for all scenarios that only need one; see ``system``."""
    from tests.support import system

    with system.running("shared") as whole:
        yield whole


@pytest.fixture
def system(shared_system: System) -> System:
    """A whole system, mended if the scenario before failed in its middle. Take names of topics of your own.

    No process runs that no scenario asked for (``system.need``); those that run may go on running at the end.
    """
    shared_system.repair()
    return shared_system
