"""The replay header on a new letter: evidence where a framework writes no origin, and no lever for a forger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from dlq.domain import strip
from dlq.models import Replay, ReplayItem
from dlq.operations import outcomes
from reliability.kernel.record import Header, Record
from tests.support.letters import record, store
from tests.support.replays import World, counted


def sent(world: World) -> ReplayItem:
    run = world.approve(*world.letters(1))
    world.send_all(run)
    return run.items.get()


def settled(world: World, run: Replay) -> dict[str, int]:
    world.advance(1)
    outcomes.settle_sent(now=world.now)
    outcomes.settle_late(now=world.now)
    return counted(run)


def copy(world: World, item: ReplayItem, *, message_id: str = "", extra: Sequence[Header] = (), **forged: Any) -> None:
    """Store what a framework that writes no origin makes of the sent record: the same bytes, all headers kept."""
    lineage = strip.lineage(
        message_id=message_id or item.message_id,
        attempt=item.attempt,
        run=item.replay_id,
        item=item.pk,
        target_group="",
    )
    same = {"key": bytes(item.letter.key or b""), "value": bytes(item.letter.value or b""), **forged}
    store(Record(topic="orders-dlq", partition=0, offset=1, headers=(*lineage, *extra), **same), now=world.now)


def test_a_new_letter_is_known_by_the_replay_header_when_it_has_no_origin(world: World) -> None:
    item = sent(world)
    copy(world, item)
    assert settled(world, item.replay) == {"failed_again": 1}


def test_a_letter_that_came_through_a_retry_topic_is_known_by_the_replay_header(world: World) -> None:
    item = sent(world)
    copy(world, item, extra=(("mainstay-dlq-origin-topic", b"orders-retry-0"),))
    assert settled(world, item.replay) == {"failed_again": 1}


def test_it_is_known_by_the_replay_header_when_a_relay_died_with_it_and_its_place_is_not_known(world: World) -> None:
    run = world.approve(*world.letters(1))
    world.feed(run)
    world.relay(lose=True)
    outcomes.take_receipts(now=world.now)
    copy(world, run.items.get())
    assert settled(world, run) == {"failed_again": 1}


@pytest.mark.parametrize(
    "forged",
    [
        {"message_id": "of-another-message"},
        {"key": None},
        {"value": b"forged"},
        {"extra": (("mainstay-dlq-origin-topic", b"stock"),)},
    ],
    ids=["message", "key", "value", "origin"],
)
def test_a_replay_header_on_another_record_closes_nobodys_letter(world: World, forged: dict[str, Any]) -> None:
    item = sent(world)
    copy(world, item, **forged)
    assert settled(world, item.replay) == {"sent": 1}
    item.refresh_from_db()
    assert item.letter.state == "replaying"


def fails_at(world: World, item: ReplayItem, *, at: int = 9, value: bytes | None = None, **changes: Any) -> None:
    """Store a letter that names the sent record's very place."""
    failed = record(
        at,
        key=bytes(item.letter.key or b""),
        value=bytes(item.letter.value or b"") if value is None else value,
        origin_partition=item.sent_partition or 0,
        origin_offset=item.sent_offset or 0,
        attempts=4,
        topic="orders-dlq",
        **changes,
    )
    store(failed, now=world.now)


def test_a_forged_place_without_a_group_closes_nobodys_letter(world: World) -> None:
    item = sent(world)
    fails_at(world, item, group="", value=b"forged")
    assert settled(world, item.replay) == {"sent": 1}


def test_a_place_is_evidence_with_the_group_that_gave_it_up(world: World) -> None:
    item = sent(world)
    fails_at(world, item, group=item.consumer_group, value=b"written anew by a serializer")
    assert settled(world, item.replay) == {"failed_again": 1}


def test_a_place_is_evidence_without_a_group_when_the_bytes_are_the_same(world: World) -> None:
    item = sent(world)
    fails_at(world, item, group="")
    assert settled(world, item.replay) == {"failed_again": 1}


def test_where_nobody_knows_the_group_a_place_with_other_bytes_is_no_evidence(world: World) -> None:
    run = world.approve(*world.letters(1, group=""))
    world.send_all(run)
    item = run.items.get()
    fails_at(world, item, group="anybody", value=b"forged")
    assert settled(world, run) == {"sent": 1}
    fails_at(world, item, group="billing", at=10)
    assert settled(world, run) == {"failed_again": 1}
