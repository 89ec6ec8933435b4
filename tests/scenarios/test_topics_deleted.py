"""Dead-letter topics deleted under the letters process, and deleted and made again with the same name."""

from __future__ import annotations

import uuid

import pytest

from tests.scenarios.tally import Tally
from tests.support.letters import headers
from tests.support.system import System, wait_until

pytestmark = pytest.mark.scenario

PATIENCE_S = 60.0
OLD = 5
# How many records the new topic has when the process first looks at it: its end is before, at, behind the old one's.
NEW = {"fewer": 2, "as_many": 5, "more": 8}


def names() -> dict[str, str]:
    prefix = f"h.{uuid.uuid4().hex[:8]}"
    return {kind: f"{prefix}.{kind}.dlq" for kind in NEW}


def values(kind: str, count: int) -> list[bytes]:
    return [f"{kind} {number}".encode() for number in range(count)]


def write(system: System, topic: str, *values: bytes) -> None:
    """Letters whose origin is not known, so that none is taken for another's duplicate."""
    system.broker.produce(topic, *values, headers=headers(origin_offset=""), partition=0)


def letters(system: System, topic: str) -> list[tuple[bytes, str]]:
    """Value and topic id of every letter of a topic, as stored."""
    query = "SELECT value, topic_id FROM dlq_letter WHERE topic = %s ORDER BY id"
    return [(bytes(value), topic_id) for value, topic_id in system.rows(query, topic)]


def wait_for_letters(system: System, topics: dict[str, str], counts: dict[str, int]) -> None:
    def all_there() -> bool:
        return all(len(letters(system, topic)) >= counts[kind] for kind, topic in topics.items())

    def found() -> str:
        counted = {kind: len(letters(system, topic)) for kind, topic in topics.items()}
        return f"{counted} of {counts}\n{system.log('letters')}"

    wait_until(all_there, within_s=PATIENCE_S, what=found)


def check(system: System, topics: dict[str, str], tally: Tally) -> None:
    """Every record of both incarnations is there once, each under the id of its own."""
    total = lost = doubled = 0
    for kind, topic in topics.items():
        wanted = [*values("old", OLD), *values("new", NEW[kind])]
        found = [value for value, _ in letters(system, topic)]
        total, lost = total + len(wanted), lost + len(set(wanted) - set(found))
        doubled += len(found) - len(set(found))
    tally.add("letters", total=total, lost=lost, doubled=doubled)
    assert (lost, doubled) == (0, 0)
    for topic in topics.values():
        ids = {value[:3]: topic_id for value, topic_id in letters(system, topic)}
        assert len(set(ids.values())) == 2, "the new topic's letters were taken for letters of the old one"
        assert {(value[:3], topic_id) for value, topic_id in letters(system, topic)} == set(ids.items())
        replaced = "SELECT replaced_id FROM dlq_source WHERE topic = %s ORDER BY id"
        assert [row[0] for row in system.rows(replaced, topic)] == ["", ids[b"old"]]


def old_letters(system: System, topics: dict[str, str]) -> None:
    system.need("letters")
    system.broker.create(*topics.values())
    for topic in topics.values():
        write(system, topic, *values("old", OLD))
    wait_for_letters(system, topics, dict.fromkeys(topics, OLD))


def make_anew(system: System, topics: dict[str, str]) -> None:
    admin = system.admin()
    for topic in topics.values():
        assert admin.delete_topic(topic) is None
    system.broker.create(*topics.values())
    for kind, topic in topics.items():
        write(system, topic, *values("new", NEW[kind]))


def test_a_topic_made_again_while_it_is_read(system: System, tally: Tally) -> None:
    topics = names()
    old_letters(system, topics)
    pid = system.pid("letters")
    make_anew(system, topics)
    wait_for_letters(system, topics, {kind: OLD + NEW[kind] for kind in topics})
    assert system.ended() == {}
    assert system.pid("letters") == pid
    check(system, topics, tally)


def test_a_topic_made_again_while_nobody_reads(system: System, tally: Tally) -> None:
    topics = names()
    old_letters(system, topics)
    system.kill("letters")
    make_anew(system, topics)
    system.start("letters")
    wait_for_letters(system, topics, {kind: OLD + NEW[kind] for kind in topics})
    check(system, topics, tally)


def test_a_topic_deleted_under_the_process_harms_no_other(system: System, tally: Tally) -> None:
    system.need("letters")
    topics = names()
    gone, kept = topics["fewer"], topics["more"]
    system.broker.create(gone, kept)
    for topic in (gone, kept):
        write(system, topic, *values("old", OLD))
    both = {"fewer": gone, "more": kept}
    wait_for_letters(system, both, dict.fromkeys(both, OLD))
    pid = system.pid("letters")
    assert system.admin().delete_topic(gone) is None
    write(system, kept, *values("new", 3))
    wait_for_letters(system, {"more": kept}, {"more": OLD + 3})
    assert (system.ended(), system.pid("letters")) == ({}, pid)
    found = [value for value, _ in letters(system, kept)]
    tally.add("letters", total=OLD + 3, lost=OLD + 3 - len(set(found)), doubled=len(found) - len(set(found)))
    assert sorted(found) == sorted([*values("old", OLD), *values("new", 3)])
