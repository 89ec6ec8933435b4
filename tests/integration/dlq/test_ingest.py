"""Storing dead letters: every byte, once, grouped, whatever is in them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from pytest_django import DjangoCaptureOnCommitCallbacks

from dlq.domain import letter as letters
from dlq.domain.scope import Scope
from dlq.models import GroupMinute, Letter, LetterGroup
from dlq.operations import ingest
from dlq.operations.ingest import rows
from dlq.queries import scopes
from reliability import access
from reliability.console.registry import REGISTRY
from reliability.kernel import wire
from reliability.kernel.record import Record
from tests.support.letters import NOW, TOPIC, record, store

pytestmark = pytest.mark.django_db

HOSTILE = b'<img src=x onerror=alert(1) hx-get="/x" hx-trigger="load">\x00\xff\xfe\xed\xa0\x80\xe2\x80\xae'


def test_it_stores_a_letter_byte_for_byte() -> None:
    extra = (("a", b"1"), ("a", None), ("a", b""), ("traceparent", b"00-" + b"ab" * 16 + b"-" + b"cd" * 8 + b"-01"))
    sent = record(7, key=b"\x00\xff", value=b"\x00v\xff", extra=extra)
    assert store(sent).letters == 1
    letter = Letter.objects.get()
    assert (bytes(letter.key), bytes(letter.value)) == (b"\x00\xff", b"\x00v\xff")
    assert wire.unpack_headers(letter.headers) == sent.headers
    assert (letter.topic, letter.topic_id, letter.partition, letter.offset) == (TOPIC, f"id-{TOPIC}", 0, 7)
    assert (letter.origin_topic, letter.origin_partition, letter.origin_offset) == ("orders", 0, 7)
    assert (letter.consumer_group, letter.attempt, letter.cause) == ("billing", 3, "dependency")
    assert (letter.key_text, letter.value_size, letter.trace_id) == ("␀�", 3, "ab" * 16)
    assert letter.message_id == "orders/0/7"
    assert (letter.state, letter.dialect, letter.parse_error) == ("open", "mainstay", "")


@pytest.mark.parametrize("key", [None, b""])
@pytest.mark.parametrize("value", [None, b""])
def test_null_and_empty_stay_apart(key: bytes | None, value: bytes | None) -> None:
    store(record(key=key, value=value))
    letter = Letter.objects.get()
    assert (letter.key, letter.value) == (key, value)


def test_ten_megabytes_are_stored_whole() -> None:
    body = bytes(range(256)) * (10 * 4096)
    store(record(value=body))
    letter = Letter.objects.get()
    assert bytes(letter.value) == body
    assert letter.value_size == len(body)


def test_hostile_bytes_in_every_field_are_stored() -> None:
    names = [name for name in dir(wire) if name.startswith("DLQ_") and name != "DLQ_PREFIX"]
    told_headers = tuple((getattr(wire, name), HOSTILE * 200) for name in names)
    everything = (*told_headers, (wire.MESSAGE_ID, HOSTILE), (wire.REPLAY, HOSTILE), ("traceparent", HOSTILE))
    named = ((HOSTILE.decode(errors="ignore"), HOSTILE), ("\x00", None))
    store(record(key=HOSTILE * 30, value=HOSTILE, told=(*everything, *named)))
    letter = Letter.objects.get()
    assert wire.unpack_headers(letter.headers) == (*everything, *named)
    assert "origin-offset" in letter.parse_error
    assert "\x00" not in letter.error_message
    assert LetterGroup.objects.get().open_count == 1


def test_a_record_with_unreadable_headers_is_stored_with_key_and_value() -> None:
    lost = Record(topic=TOPIC, partition=0, offset=3, key=b"k", value=b"v", headers=(), headers_unreadable=True)
    store(lost)
    letter = Letter.objects.get()
    assert letter.headers_unreadable
    assert bytes(letter.value) == b"v"


def test_a_record_that_breaks_a_parser_is_stored_with_the_parsers_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(record: Record) -> letters.Letter:
        raise ZeroDivisionError("what a\x00 parser")

    monkeypatch.setattr(letters, "read", break_down)
    sent = record(5)
    store(sent, record(6, told=()))
    first = Letter.objects.order_by("offset").first()
    assert first is not None
    assert first.parse_error == "ZeroDivisionError: what a␀ parser"
    assert wire.unpack_headers(first.headers) == sent.headers
    assert first.dialect == "unknown"


def test_a_letter_that_only_points_to_its_record_says_so_and_is_not_sent() -> None:
    store(record(1, key=None, value=None, left_out="key, value of 20000000 bytes, headers"), record(2))
    pointer = Letter.objects.get(offset=1)
    assert pointer.left_out == "key, value of 20000000 bytes, headers"
    everything = access.visible_topics(access.system_actor("test"))
    planned = scopes.candidates(Scope(group=pointer.group_id), visible=everything)
    assert [candidate.is_pointer for candidate in planned] == [True, False]


def test_the_same_offset_twice_is_one_letter() -> None:
    assert store(record(1), record(1), record(2)).letters == 2
    assert store(record(1), record(2), record(3)) == ingest.Stored(letters=1, again=2)
    assert Letter.objects.count() == 3
    assert LetterGroup.objects.get().count == 3


def test_the_same_offset_of_a_recreated_topic_is_another_letter() -> None:
    store(record(1), topic_ids={TOPIC: "first"})
    store(record(1, origin_offset=99), topic_ids={TOPIC: "second"})
    assert Letter.objects.count() == 2


def test_the_same_failure_at_two_offsets_has_one_leader() -> None:
    stored = store(record(1, origin_offset=50), record(2, origin_offset=50), record(3, origin_offset=51))
    assert (stored.letters, stored.duplicates) == (3, 1)
    again = store(record(4, origin_offset=50))
    assert again.duplicates == 1
    leader, second, _, fourth = Letter.objects.order_by("offset")
    assert (leader.duplicate_of, second.duplicate_of, fourth.duplicate_of) == (None, leader, leader)
    group = LetterGroup.objects.get()
    assert (group.count, group.open_count, group.duplicate_count) == (2, 2, 2)


@pytest.mark.parametrize("change", [{"value": b"another"}, {"value": None}, {"key": b"another"}, {"key": None}])
def test_other_bytes_are_another_message_whatever_place_they_claim(change: dict[str, bytes | None]) -> None:
    store(record(1, origin_offset=50))
    assert store(record(2, origin_offset=50, **change)).duplicates == 0  # type: ignore[arg-type]
    assert store(record(3, origin_offset=50, **change)).duplicates == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [{"attempts": 4}, {"group": "other"}, {"origin_partition": 1}, {"origin_topic": "o2"}, {"origin_topic": ""}],
)
def test_another_attempt_group_or_origin_is_another_failure(change: dict[str, str | int]) -> None:
    store(record(1, origin_offset=50), record(2, origin_offset=50, **change))
    assert not Letter.objects.filter(duplicate_of__isnull=False).exists()


def test_the_failure_of_a_replayed_record_is_never_a_duplicate_of_what_was_replayed() -> None:
    store(record(1, origin_offset=50))
    replayed = (("mainstay-replay", b"3/14"),)
    store(record(2, origin_offset=50, extra=replayed), record(3, origin_offset=50, extra=replayed))
    first, second, third = Letter.objects.order_by("offset")
    assert (first.replay, second.replay) == ("", "3/14")
    assert second.duplicate_of is None
    assert third.duplicate_of == second


@pytest.mark.parametrize("state", ["resolved", "discarded"])
def test_a_settled_letter_leads_no_more(state: str) -> None:
    store(record(1, origin_offset=50))
    Letter.objects.update(state=state)
    store(record(2, origin_offset=50))
    assert Letter.objects.get(offset=2).duplicate_of is None


def test_letters_of_one_failure_make_one_group_with_counters() -> None:
    store(record(1), record(2, error_message="no answer for order 18"), record(3, error_type="KeyError"))
    store(record(4, origin_topic="refunds", topic="refunds.billing.dlq"), now=NOW + timedelta(minutes=2))
    timeout = LetterGroup.objects.get(error_type="shop.errors.PaymentTimeout")
    assert timeout.title == "PaymentTimeout: no answer for order <n>"
    assert (timeout.count, timeout.open_count, timeout.cause) == (3, 3, "dependency")
    assert (timeout.topic, timeout.topics) == ("refunds", ["orders", "refunds"])
    assert timeout.sources == [TOPIC, "refunds.billing.dlq"]
    assert timeout.last_seen - timeout.first_seen == timedelta(minutes=2)
    minutes = GroupMinute.objects.filter(group=timeout).order_by("minute").values_list("count", flat=True)
    assert list(minutes) == [2, 1]


def test_new_letters_open_an_empty_group_again() -> None:
    store(record(1))
    LetterGroup.objects.update(open_count=0)
    store(record(2))
    assert LetterGroup.objects.get().open_count == 1


def test_other_rooms_hear_of_new_letters_only_and_only_after_commit(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    heard: list[str] = []
    monkeypatch.setitem(REGISTRY.listeners, "letter", [lambda ids, by: heard.extend(ids)])
    with django_capture_on_commit_callbacks(execute=True):
        store(record(1))
        store(record(1))
        assert heard == []
    assert heard == [str(Letter.objects.get().id)]


@pytest.mark.django_db(transaction=True)
def test_two_readers_of_one_partition_store_each_record_once() -> None:
    batches = [[record(offset) for offset in range(start, start + 60)] for start in (0, 20, 40)]

    def read(batch: list[Record]) -> None:
        try:
            for start in range(0, len(batch), 7):
                store(*batch[start : start + 7])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as readers:
        list(readers.map(read, batches))
    assert Letter.objects.count() == 100
    assert LetterGroup.objects.get().count == 100


@pytest.mark.django_db(transaction=True)
def test_a_record_stored_by_another_between_look_and_write_is_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    look = rows.unstored
    store(record(1))
    looks = iter([lambda batch, *, cluster: list(batch), look])
    monkeypatch.setattr(rows, "unstored", lambda batch, *, cluster: next(looks)(batch, cluster=cluster))
    assert store(record(1), record(2)) == ingest.Stored(letters=1, again=1)
    assert LetterGroup.objects.get().count == 2
