"""Redis, Kafka and PostgreSQL stop for a while, in the middle of everything.

A service writes orders with their events and handles them, some become letters, and a replay runs. Meanwhile pages and
API answer within seconds and say what is wrong; afterwards everything goes on by itself, and nothing was lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.scenarios import replaying
from tests.scenarios.replaying import Flood
from tests.scenarios.tally import Tally
from tests.scenarios.trading import Trade
from tests.support.console import Answer, Person
from tests.support.system import CONSOLE, System, wait_until

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(400)]

LETTERS = 90
SENT_BEFORE = 10
ANSWERED_WITHIN_S = 3.0
TOLD_WITHIN_S = 12.0
WELL_WITHIN_S = 60.0  # on a machine that does other things besides


@pytest.mark.parametrize("server", ["redis", "kafka", "postgresql"])
def test_everything_survives_an_outage(
    system: System, tally: Tally, outage_s: float, server: str, scenario_round: int
) -> None:
    system.need(*CONSOLE)
    flood = Flood(system)
    ids = flood.arrive(LETTERS)
    trade = Trade(system, also_reads=(flood.origin,))
    trade.open()
    system.run(system.service("asker", "-m", "tests.support.asker"))
    trade.wait_until_busy()
    rate = LETTERS / (outage_s + 8)
    run = replaying.start(system, ids, rate=rate)
    wait_until(
        lambda: progressed(system, run) >= SENT_BEFORE,
        within_s=40,
        what=lambda: f"the replay has begun: {replaying.states(system, run)}\n{system.log('worker-standard')}",
    )
    pids = {name: system.pid(name) for name in (*CONSOLE, "shop", "asker")}
    person = system.person()

    sent = progressed(system, run)
    end = system.kill_server if scenario_round % 2 == 0 else system.stop_server
    end(server)
    ask_through(outage_s, system, person, server)
    before = progressed(system, run) if server != "postgresql" else None
    if server == "redis":
        assert before is not None
        assert before - sent > outage_s * rate / 5, "without Redis a replay goes on, only slower"
    system.start_server(server)
    began = time.monotonic()
    is_well_again(system, trade, run, before)
    tally.note(f"seconds after which all went on again ({server}), in all", round(time.monotonic() - began))

    assert system.ended() == {}
    assert {name: system.pid(name) for name in pids} == pids
    system.stop("asker")
    trade.close()
    replaying.wait_until_sent(system, run)
    assert system.ended() == {}
    trade.check(tally)
    replaying.check_letters(flood, LETTERS, tally=tally)
    replaying.check_runs(flood, run, tally=tally)
    assert set(trade.handled(flood.origin).values()) == {1}, "a replayed message had its effect twice"


def progressed(system: System, run: int) -> int:
    """How many items of the run have a receipt."""
    states = replaying.states(system, run)
    return sum(count for state, count in states.items() if state in replaying.WITH_RECEIPT)


def ask_through(outage_s: float, system: System, person: Person, server: str) -> None:
    """For as long as the outage lasts, look at pages and API: each answer in time, and soon it says what is wrong."""
    began = time.monotonic()
    while True:
        said = {
            name: in_time(question, f"{name} without {server}")
            for name, question in {
                "live": lambda: system.get("/health/live"),
                "ready": lambda: system.get("/health/ready"),
                "api": lambda: system.get("/api/v1/letters?limit=5"),
                "page": lambda: person.get("/letters/"),
                "overview": lambda: person.get("/"),
            }.items()
        }
        lasted = time.monotonic() - began
        wrong = unsaid(said, server)
        assert not wrong or lasted < TOLD_WITHIN_S, wrong
        if lasted >= outage_s and not wrong:
            break
        time.sleep(0.5)


def unsaid(said: dict[str, Answer], server: str) -> list[str]:
    """What the answers do not say, though they should."""
    asked = ("live", "ready", "api", "page", "overview")
    down = server == "postgresql"  # without it nothing can be shown; without the others everything, with a word on it
    wanted = dict(zip(asked, (200, 503, 503, 503, 503) if down else (200, 200, 200, 200, 200), strict=True))
    wrong = [f"{name}: {said[name]}" for name in asked if said[name].status != wanted[name]]
    ready = said["ready"].json or {}
    part = "database" if down else server
    if ready.get("status") != ("not ready" if down else "degraded") or ready.get("parts", {}).get(part) != "down":
        wrong.append(f"ready: {ready}")
    if down and (said["api"].json or {}).get("code") != "database-down":
        wrong.append(f"api: {said['api']}")
    if part not in said["overview"].text.lower():
        wrong.append(f"the first page does not name {part}")
    return wrong


def in_time(question: Callable[[], Answer], what: str) -> Answer:
    began = time.monotonic()
    answer = question()
    took = time.monotonic() - began
    assert answer.status, f"{what}: no answer"
    assert took < ANSWERED_WITHIN_S, f"{what}: answered after {took:.1f} s"
    return answer


def is_well_again(system: System, trade: Trade, run: int, before: int | None) -> None:
    """By itself: the console is ready, orders are written and handled, letters come, the replay goes on."""
    deadline = time.monotonic() + WELL_WITHIN_S

    def wait(what: str, holds: Callable[[], object]) -> None:
        left = max(0.0, deadline - time.monotonic())
        wait_until(holds, within_s=left, what=lambda: f"{what}\n{system.ended()}\n{system.log('worker-standard')}")

    wait("the console is ready", lambda: system.get("/health/ready").json["status"] == "ready")
    written, handled, letters = trade.written(), trade.handled().total(), trade.letters().total()
    progress = progressed(system, run) if before is None else before
    wait("orders are written", lambda: trade.written() > written)
    wait("orders are handled", lambda: trade.handled().total() > handled + 20)
    wait("letters come", lambda: trade.letters().total() > letters)
    wait("the replay goes on", lambda: progressed(system, run) > min(progress, LETTERS - 1))
