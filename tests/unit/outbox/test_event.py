"""Events: their shard, their checks, their digest."""

from __future__ import annotations

from uuid import UUID

import pytest

from outbox.domain.event import SHARDS, Event, WrongEvent, checked, lock_number, sha256_of, shard_of, size_bytes
from reliability.kernel.errors import Permanent

ID = UUID("00000000-0000-0000-0000-000000000001")


def test_the_shard_of_a_key_never_changes():
    # Stored events were given these: a change of the function would send a key's events from two shards.
    shards = [shard_of(key=key, aggregate_id="", event_id=ID) for key in (b"", b"order-1", b"order-2", b"\x00\xff")]
    assert shards == [0, 15, 5, 2]
    assert shard_of(key=None, aggregate_id="order-1", event_id=ID) == 15
    assert 0 <= shard_of(key=None, aggregate_id="", event_id=ID) < SHARDS


@pytest.mark.parametrize("topic", ["", ".", "..", "a b", "x" * 250, "ü", "a\x00"])
def test_it_refuses_what_is_no_topic_name(topic):
    with pytest.raises(WrongEvent):
        checked(Event(topic=topic))


def test_it_refuses_a_header_name_that_the_client_would_cut():
    with pytest.raises(WrongEvent):
        checked(Event(topic="orders", headers=(("a\x00b", b""),)))


def test_a_wrong_event_is_permanent_so_that_a_consumer_does_not_retry_it():
    assert issubclass(WrongEvent, Permanent)


def test_null_and_empty_have_different_digests():
    digests = {
        sha256_of(key=key, value=value, headers=headers)
        for key in (None, b"")
        for value in (None, b"")
        for headers in ([], [("a", None)], [("a", b"")])
    }
    assert len(digests) == 12


def test_a_byte_moved_between_key_and_value_changes_the_digest():
    assert sha256_of(key=b"ab", value=b"c", headers=[]) != sha256_of(key=b"a", value=b"bc", headers=[])


def test_lock_numbers_are_signed_64_bit_and_tell_topics_apart():
    numbers = {lock_number(topic=topic, key=b"k") for topic in ("a", "b")}
    assert len(numbers) == 2
    assert all(-(2**63) <= number < 2**63 for number in numbers)


def test_size_counts_key_value_and_headers():
    assert size_bytes(key=None, value=b"ab", packed_headers=b"xyz") == 5
