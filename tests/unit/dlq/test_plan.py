"""What a plan counts, leaves out and warns of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dlq.domain import plan
from dlq.domain.plan import Candidate, Kind, Leaving, Notice, Readers, Tally, Target, Terms, World

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TERMS = Terms(target=Target(), rate=50, failed_limit=0.2)
WORLD = World(partitions={"orders": 4, "repair": 1}, limits={"orders": 1_000, "repair": 1_000, "gone": 1_000})
LETTER = Candidate(
    id=1,
    state="open",
    group_id=7,
    title="Boom",
    origin_topic="orders",
    consumer_group="payments",
    size=100,
    stored_at=NOW - timedelta(minutes=1),
    headers_unreadable=False,
    failed_before=False,
    unknown_before=False,
    partition_kept=True,
)


def count(*letters: Candidate, terms: Terms = TERMS, world: World = WORLD) -> Tally:
    return plan.tally(letters, terms=terms, world=world, now=NOW)


def noticed(counts: Tally, terms: Terms = TERMS, world: World = WORLD, readers: Readers = {}) -> dict[str, Notice]:  # noqa: B006 - never changed
    return {notice.code: notice for notice in plan.notices(counts, terms=terms, world=world, readers=readers)}


@pytest.mark.parametrize(
    ("letter", "reason"),
    [
        (replace(LETTER, state="replaying"), Leaving.REPLAYING),
        (replace(LETTER, state="resolved"), Leaving.RESOLVED),
        (replace(LETTER, state="discarded"), Leaving.DISCARDED),
        (replace(LETTER, state="quarantined"), Leaving.QUARANTINED),
        (replace(LETTER, headers_unreadable=True), Leaving.HEADERS_UNREADABLE),
        (replace(LETTER, is_pointer=True), Leaving.POINTER),
        (replace(LETTER, origin_topic=""), Leaving.NO_DESTINATION),
        (replace(LETTER, origin_topic="gone"), Leaving.MISSING_DESTINATION),
        (replace(LETTER, size=1_001), Leaving.OVERSIZE),
    ],
)
def test_it_leaves_out_what_cannot_or_must_not_be_sent(letter: Candidate, reason: Leaving) -> None:
    counts = count(letter, replace(LETTER, id=2))
    assert counts.ids == [2]
    assert counts.leaving == {reason: 1}


def test_it_takes_in_what_is_named() -> None:
    terms = replace(TERMS, include=frozenset({"quarantined", "headers_unreadable"}))
    assert count(replace(LETTER, state="quarantined", headers_unreadable=True), terms=terms).ids == [1]


def test_it_counts_by_fingerprint_topic_and_age() -> None:
    old = replace(LETTER, id=2, group_id=8, title="Other", stored_at=NOW - timedelta(days=8))
    counts = count(LETTER, old)
    assert counts.by_group == {(7, "Boom"): 1, (8, "Other"): 1}
    assert counts.by_topic == {"orders": 2}
    assert counts.by_age == {"under 1 h": 1, "7 d and older": 1}


def test_another_topic_is_the_destination_of_all() -> None:
    terms = replace(TERMS, target=Target(kind=Kind.TOPIC, topic="repair"))
    assert count(replace(LETTER, origin_topic=""), terms=terms).by_topic == {"repair": 1}


def test_only_the_group_that_failed_needs_a_group() -> None:
    terms = replace(TERMS, target=Target(kind=Kind.GROUP))
    assert count(replace(LETTER, consumer_group=""), terms=terms).leaving == {Leaving.NO_GROUP: 1}


def test_it_warns_of_what_was_tried_before_and_of_what_moves() -> None:
    counts = count(replace(LETTER, failed_before=True, unknown_before=True, partition_kept=False, consumer_group=""))
    assert set(noticed(counts)) == {"failed-before", "unknown-before", "partition-changed", "group-unknown"}


def test_of_another_topic_nobody_knows_the_consumer_and_every_reader_is_named() -> None:
    terms = replace(TERMS, target=Target(kind=Kind.TOPIC, topic="repair"))
    counts = count(LETTER, replace(LETTER, id=2, consumer_group=""), terms=terms)
    found = noticed(counts, terms, readers={"repair": {"payments"}})
    assert (found["group-unknown"].count, counts.consumer_groups) == (2, {""})
    assert found["other-groups"].text == "are read on repair by payments too"


def test_it_names_the_other_readers_of_the_topic() -> None:
    found = noticed(count(LETTER), readers={"orders": {"payments", "stock", "mail"}})
    assert found["other-groups"].text == "are read on orders by mail, stock too"


def test_an_unreachable_kafka_is_said_and_blocks_nothing() -> None:
    world = World(partitions=None, limits={"gone": 1_000})
    counts = count(replace(LETTER, origin_topic="gone"), world=world)
    assert counts.ids == [1]
    assert set(noticed(counts, world=world, readers=None)) == {"kafka-unreachable", "readers-unknown"}


def test_the_hash_changes_with_everything_that_decides_what_is_sent() -> None:
    variants = [
        plan.content_hash(ids=ids, terms=terms, strip_rules=rules)
        for ids, terms, rules in [
            ([1, 2], TERMS, "a"),
            ([2, 1], TERMS, "a"),
            ([1], TERMS, "a"),
            ([1, 2], replace(TERMS, rate=51), "a"),
            ([1, 2], replace(TERMS, target=Target(kind=Kind.GROUP)), "a"),
            ([1, 2], replace(TERMS, failed_limit=None), "a"),
            ([1, 2], TERMS, "b"),
        ]
    ]
    assert len(set(variants)) == len(variants)
    assert variants[0] == plan.content_hash(ids=[1, 2], terms=TERMS, strip_rules="a")


@pytest.mark.parametrize(
    ("partition", "then", "now", "kept"),
    [
        (3, 4, 4, True),
        (3, 4, 8, False),
        (3, None, 4, True),
        (4, None, 4, False),
        (3, 4, None, True),
        (None, 4, 4, False),
    ],
)
def test_the_partition_is_kept_while_their_number_is_unchanged(
    partition: int | None, then: int | None, now: int | None, kept: bool
) -> None:
    assert plan.keeps_partition(origin_partition=partition, count_then=then, count_now=now) is kept


def test_it_warns_of_a_destination_that_is_a_dead_letter_topic() -> None:
    world = replace(WORLD, dead_letter_topics={"repair", "other-dlt"})
    terms = replace(TERMS, target=Target(kind=Kind.TOPIC, topic="repair"))
    notice = noticed(count(LETTER, replace(LETTER, id=2), terms=terms, world=world), terms, world)
    assert notice["dead-letter-destination"].count == 2
    assert "repair" in notice["dead-letter-destination"].text
