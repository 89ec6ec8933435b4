"""Beat, workers and web die in the middle of runs; two beats tick; no beat ticks."""

from __future__ import annotations

import time

import pytest

from tests.scenarios import replaying
from tests.scenarios.replaying import Flood
from tests.scenarios.tally import Tally
from tests.scenarios.trading import Trade
from tests.support.system import CONSOLE, System, wait_until

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(300)]

LETTERS = 60
GOES_ON_WITHIN_S = 15.0


def fed(system: System, run: int) -> int:
    """How many items have left the plan."""
    return LETTERS - replaying.states(system, run).get("planned", 0)


def wait_until_fed(system: System, run: int, count: int, *, why: str) -> None:
    wait_until(
        lambda: fed(system, run) >= min(count, LETTERS),
        within_s=GOES_ON_WITHIN_S,
        what=lambda: f"{why}: {replaying.states(system, run)}\n{system.log('worker-standard')}",
    )


def test_whichever_process_dies_the_others_go_on(system: System, tally: Tally) -> None:
    system.need(*CONSOLE)
    flood = Flood(system)
    ids = flood.arrive(LETTERS)
    trade = Trade(system, also_reads=(flood.origin,))
    trade.open()
    trade.wait_until_busy()
    run = replaying.start(system, ids, rate=6)
    wait_until_fed(system, run, 5, why="the replay begins")
    for name in ("beat", "worker-bulk", "web"):
        system.kill(name)
        before, handled = fed(system, run), trade.handled().total()
        wait_until_fed(system, run, before + 3, why=f"the replay goes on without {name}")
        wait_until(lambda n=handled: trade.handled().total() > n + 5, within_s=10, what=f"orders without {name}")  # type: ignore[misc]
        system.need(name)
    system.kill("worker-standard")
    handled = trade.handled().total()
    wait_until(lambda: trade.handled().total() > handled + 20, within_s=10, what="orders without worker-standard")
    before = fed(system, run)
    system.need("worker-standard")
    wait_until_fed(system, run, before + 3, why="the replay goes on when the worker is back")
    trade.close()
    replaying.wait_until_sent(system, run)
    assert system.ended() == {}
    trade.check(tally)
    replaying.check_letters(flood, LETTERS, tally=tally)
    assert replaying.check_runs(flood, run, tally=tally).unknown == 0
    assert set(trade.handled(flood.origin).values()) == {1}


@pytest.mark.slow
def test_two_beats_double_nothing(system: System, tally: Tally) -> None:
    system.need(*CONSOLE)
    flood = Flood(system)
    ids = flood.arrive(LETTERS)
    schedule = str(system.folder.path / "second-beat")
    command = ("celery", "--app", "reliability.celery", "beat", "--schedule", schedule, "--pidfile=")
    system.run(system.service("second-beat", "-m", *command))
    trade = Trade(system, also_reads=(flood.origin,))
    trade.open()
    trade.wait_until_busy()
    run = replaying.start(system, ids, rate=20)
    replaying.wait_until_sent(system, run)
    trade.close()
    assert system.ended() == {}
    system.stop("second-beat")
    trade.check(tally)
    assert replaying.check_runs(flood, run, tally=tally).unknown == 0
    assert set(trade.handled(flood.origin).values()) == {1}


@pytest.mark.slow
def test_without_beat_nothing_stays_stuck(system: System, tally: Tally) -> None:
    system.need(*CONSOLE)
    flood = Flood(system)
    ids = flood.arrive(LETTERS)
    system.kill("beat")
    try:
        run = replaying.start(system, ids, rate=5)
        wait_until_fed(system, run, 5, why="the replay begins")
        system.kill("worker-standard")
        time.sleep(8)  # every wake-up that was sent has expired, and the relay has nothing more to tell
        before = fed(system, run)
        system.need("worker-standard")
        wait_until_fed(system, run, before + 3, why="a worker that starts finds the run by itself")
        faster = system.send("PUT", f"/api/v1/replays/{run}/rate", {"rate": 500})
        assert faster.status == 200, faster
        replaying.wait_until_sent(system, run)
        assert replaying.check_runs(flood, run, tally=tally).unknown == 0
    finally:
        system.need("beat")
