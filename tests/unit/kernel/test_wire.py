"""The wire contract: packed headers lose nothing, topic names stay legal and distinct."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.kernel import wire

names = st.text(max_size=30)
values = st.none() | st.binary(max_size=60)
headers = st.lists(st.tuples(names, values), max_size=12).map(tuple)


@given(headers)
def test_it_gives_back_every_header_in_order(given_headers: tuple[tuple[str, bytes | None], ...]) -> None:
    assert wire.unpack_headers(wire.pack_headers(given_headers)) == given_headers


def test_it_tells_null_from_empty_and_keeps_duplicates() -> None:
    given_headers = (("a", None), ("a", b""), ("a", b"\x00"), ("", b"x"))
    assert wire.unpack_headers(wire.pack_headers(given_headers)) == given_headers


@given(st.binary(max_size=80))
def test_it_answers_foreign_bytes_with_headers_or_with_its_own_error(data: bytes) -> None:
    try:
        wire.unpack_headers(data)
    except wire.BrokenHeaders:
        return


def test_it_refuses_headers_that_are_cut_short() -> None:
    packed = wire.pack_headers((("name", b"value"),))
    for length in range(1, len(packed)):
        with pytest.raises(wire.BrokenHeaders):
            wire.unpack_headers(packed[:length])


def test_it_reads_the_first_and_the_last_of_a_repeated_header() -> None:
    repeated = (("a", b"1"), ("b", b"2"), ("a", b"3"))
    assert (wire.first(repeated, "a"), wire.last(repeated, "a"), wire.first(repeated, "c")) == (b"1", b"3", None)


@given(st.text(min_size=1, max_size=300))
def test_every_group_has_legal_topic_names(group: str) -> None:
    for name in (wire.dlq_topic("orders.placed", group), wire.retry_topic("orders.placed", group, 30)):
        assert re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", name)


def test_groups_that_differ_in_one_odd_character_have_different_topics() -> None:
    assert wire.dlq_topic("t", "a/b") != wire.dlq_topic("t", "a:b")
    assert wire.dlq_topic("t", "payments") == "t.payments.dlq"
    assert wire.retry_topic("t", "payments", 30) == "t.payments.retry.30"


def test_long_names_that_differ_only_at_the_end_stay_different() -> None:
    assert wire.dlq_topic("t" * 240, "group-one") != wire.dlq_topic("t" * 240, "group-two")
    assert wire.dlq_topic("t" * 240, "group-one").endswith(".dlq")
