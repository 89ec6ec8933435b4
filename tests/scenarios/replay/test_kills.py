"""``kill -9`` of relay, letters process and worker in the middle of a replay, then restart: none lost, none doubled."""

from __future__ import annotations

import pytest

from tests.scenarios import replaying
from tests.scenarios.replaying import Flood, states
from tests.scenarios.tally import Tally
from tests.support.system import System, wait_until

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(300)]

LETTERS = 1_000
MORE_LETTERS = 500
PROCESSES = ("web", "letters", "worker-relay", "worker-standard", "beat")


def wait_until_more_sent(system: System, run: int, count: int) -> None:
    """Wait until at least ``count`` items of the run are sent."""
    wait_until(
        lambda: states(system, run).get("sent", 0) >= count,
        within_s=90,
        every_s=0.05,
        what=lambda: f"{count} sent: {states(system, run)}\n{system.log('worker-relay')}",
    )


def kill_and_restart(system: System, *names: str) -> None:
    system.kill(*names)
    system.start(*names)


def test_a_replay_of_a_thousand_letters_survives_the_kill_of_every_process_in_it(system: System, tally: Tally) -> None:
    system.need(*PROCESSES)
    flood = Flood(system)
    ids = flood.arrive(LETTERS)
    run = replaying.start(system, ids, rate=300)
    wait_until_more_sent(system, run, 60)
    kill_and_restart(system, "worker-relay")
    wait_until_more_sent(system, run, 200)
    kill_and_restart(system, "worker-standard")
    wait_until_more_sent(system, run, 400)
    flood.write(range(LETTERS, LETTERS + MORE_LETTERS))
    kill_and_restart(system, "letters", "worker-relay", "worker-standard")
    replaying.wait_until_sent(system, run)
    found = replaying.check_runs(flood, run, tally=tally)
    assert found.items == LETTERS
    tally.note("replay items unknown after kills", found.unknown)
    flood.wait_until_stored(LETTERS + MORE_LETTERS)
    replaying.check_letters(flood, LETTERS + MORE_LETTERS, tally=tally)
    assert system.ended() == {}


@pytest.mark.parametrize(
    ("process", "place"),
    [
        ("worker-standard", "dlq.feed.after_append:3"),  # appended, not committed
        ("worker-relay", "relay.after_delivery:3"),  # in Kafka, its receipt not written
    ],
)
def test_a_death_at_the_worst_moment_neither_loses_nor_doubles(
    system: System, tally: Tally, process: str, place: str
) -> None:
    system.need(*PROCESSES)
    flood = Flood(system)
    ids = flood.arrive(150)
    system.stop(process)
    system.start(process, MAINSTAY_FAILPOINT=place)
    run = replaying.start(system, ids)
    wait_until(lambda: not system.running(process), within_s=60, what=lambda: f"{process} dies\n{system.log(process)}")
    system.start(process)
    replaying.wait_until_sent(system, run)
    found = replaying.check_runs(flood, run, tally=tally)
    assert (found.items, found.unknown) == (150, 0)
