"""The same dead-letter record read twice, and the same failure written twice: one letter to act on."""

from __future__ import annotations

import uuid

import pytest

from dlq.queries import sources
from reliability.kernel.record import TopicPartition
from tests.scenarios import replaying
from tests.scenarios.replaying import Flood
from tests.scenarios.tally import Tally
from tests.support.system import System, wait_until

pytestmark = pytest.mark.scenario

LETTERS = 20


def flood_of_its_own(system: System, group: str) -> Flood:
    """A flood whose failure no other round has: its group's counters begin with it."""
    return Flood(system, group=f"{group}-{uuid.uuid4().hex[:6]}")


def counters(system: System, flood: Flood) -> list[tuple[int, int, int]]:
    """Count, open and duplicate letters of the flood's failure groups."""
    query = "SELECT count, open_count, duplicate_count FROM dlq_lettergroup WHERE sources = ARRAY[%s::text]"
    return system.rows(query, flood.topic)


def committed(system: System, flood: Flood) -> int | None:
    place = TopicPartition(flood.topic, 0)
    return system.admin().committed(sources.READER_GROUP, [place])[place]


def test_the_same_offsets_read_again_make_no_second_letter(system: System, tally: Tally) -> None:
    flood = flood_of_its_own(system, "h.again")
    ids = flood.arrive(LETTERS)
    before = counters(system, flood)
    wait_until(lambda: committed(system, flood) == LETTERS, within_s=20, what="the offsets are committed")
    system.stop("letters")
    system.broker.rewind(sources.READER_GROUP, flood.topic)
    flood.write([LETTERS])  # tells when the process has read everything again
    system.start("letters")
    flood.wait_until_stored(LETTERS + 1)
    wait_until(lambda: committed(system, flood) == LETTERS + 1, within_s=20, what="the offsets are committed")
    replaying.check_letters(flood, LETTERS + 1, tally=tally)
    assert flood.letter_ids()[:LETTERS] == ids
    assert before == [(LETTERS, LETTERS, 0)]
    assert counters(system, flood) == [(LETTERS + 1, LETTERS + 1, 0)]


def test_a_failure_written_twice_has_one_leader_and_is_sent_once(system: System, tally: Tally) -> None:
    system.need("web", "letters", "worker-relay", "worker-standard", "beat")
    flood = flood_of_its_own(system, "h.twice")
    flood.create()
    flood.write(range(LETTERS), times=2)
    flood.write(range(LETTERS))  # and once more, in another batch
    flood.wait_until_stored(3 * LETTERS)
    assert counters(system, flood) == [(LETTERS, LETTERS, 2 * LETTERS)]
    everything = system.rows("SELECT id, duplicate_of_id FROM dlq_letter WHERE topic = %s ORDER BY id", flood.topic)
    leaders = {letter for letter, leader in everything if leader is None}
    assert len(leaders) == LETTERS
    assert {leader for _, leader in everything if leader is not None} == leaders

    plan = replaying.draw(system, [letter for letter, _ in everything])
    assert (plan["letters"], plan["counts"]["duplicates"]) == (LETTERS, 2 * LETTERS)
    followers = [letter for letter, leader in everything if leader is not None]
    assert replaying.draw(system, followers)["letters"] == LETTERS, "a duplicate stands for its leader"
    answer = replaying.approve(system, plan)
    assert answer.status == 201, answer
    run = answer.json["id"]
    replaying.wait_until_sent(system, run)
    assert replaying.check_runs(flood, run, tally=tally).items == LETTERS
    assert len(system.broker.records(flood.origin)) == LETTERS
