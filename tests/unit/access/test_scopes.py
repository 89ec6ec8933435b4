"""Topic scopes match whole names, and only what is meant."""

from __future__ import annotations

import re
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.access.domain.scopes import EVERYTHING, NOTHING, BadScope, Scope, TopicFilter

LETTERS = "ab.-_"
topics = st.text(alphabet=LETTERS, min_size=1, max_size=12)
patterns = st.text(alphabet=LETTERS + "*?", min_size=1, max_size=8)


@given(pattern=patterns, topic=topics)
def test_it_means_what_the_regular_expression_means(pattern: str, topic: str) -> None:
    scope = Scope.parse(pattern)

    assert scope.matches(topic) == bool(re.fullmatch(scope.regex, topic))


@given(topic=topics, other=topics)
def test_an_exact_scope_matches_its_name_and_no_other(topic: str, other: str) -> None:
    assert Scope.parse(topic).matches(topic)
    assert Scope.parse(topic).matches(other) == (topic == other)


@given(start=topics, topic=st.text(alphabet=LETTERS, max_size=20))
def test_a_prefix_scope_matches_exactly_what_starts_so(start: str, topic: str) -> None:
    assert Scope.parse(start + "*").prefix == start
    assert Scope.parse(start + "*").matches(topic) == topic.startswith(start)


@pytest.mark.parametrize(
    ("pattern", "look_alike"),
    [
        ("orders", "orders2"),
        ("orders", "xorders"),
        ("orders", "orders\n"),
        ("orders", "Orders"),
        ("orders", "\u043erders"),  # a Cyrillic first letter
        ("orders.dlq", "ordersXdlq"),
        ("orders_dlq", "orders-dlq"),
        ("orders.*", "orders"),
        ("orders.*", "orders-eu.dlq"),
        ("*.dlq", "orders.dlq.payments"),
        ("*.dlq", "dlq"),
        ("orders.?", "orders.12"),
        ("orders.?", "orders."),
        ("orders", ""),
        ("?", ""),
    ],
)
def test_a_look_alike_is_not_matched(pattern: str, look_alike: str) -> None:
    assert not Scope.parse(pattern).matches(look_alike)
    assert not TopicFilter.of([pattern]).allows(look_alike)


@pytest.mark.parametrize(
    "pattern", ["", "a b", "a|b", "a(", "[ab]", "a\\.b", "a%", "a\x00", "^a$", "ö", "a" * 250, "a\n"]
)
def test_a_scope_that_is_no_topic_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(BadScope):
        TopicFilter.of([pattern])


def test_no_scope_lets_nothing_through() -> None:
    assert not TopicFilter.of([]).allows("orders")
    assert not NOTHING.allows("orders")
    assert EVERYTHING.allows("orders")


def test_an_unknown_topic_passes_only_where_everything_does() -> None:
    assert EVERYTHING.allows("")
    assert not TopicFilter.of(["a*", "*a"]).allows("")


def test_a_narrowed_filter_lets_through_only_what_both_allow() -> None:
    both = TopicFilter.of(["orders*"]).narrowed(["*.dlq"])

    assert both.allows("orders.dlq")
    assert not both.allows("orders.retry")
    assert not both.allows("payments.dlq")


@given(outer=st.lists(patterns, max_size=3), inner=st.lists(patterns, max_size=3), topic=topics)
def test_narrowing_never_widens(outer: list[str], inner: list[str], topic: str) -> None:
    wide = TopicFilter.of(outer)

    assert not (wide.narrowed(inner).allows(topic) and not wide.allows(topic))
    assert not (wide.narrowed(inner).is_everything and not wide.is_everything)


@given(layers=st.lists(st.lists(patterns, max_size=3), min_size=1, max_size=3), topic=topics)
def test_the_regular_expressions_of_a_filter_mean_the_filter(layers: list[list[str]], topic: str) -> None:
    filtered = TopicFilter.of(layers[0])
    for layer in layers[1:]:
        filtered = filtered.narrowed(layer)

    assert filtered.allows(topic) == all(re.search(regex, topic) for regex in filtered.regexes())


def test_the_worst_pattern_is_quick() -> None:
    scope, topic = Scope.parse("*a" * 124 + "*"), "a" * 123 + "b" * 126
    started = time.process_time()

    assert not scope.matches(topic)
    assert time.process_time() - started < 0.5


def test_too_many_scopes_are_refused() -> None:
    with pytest.raises(BadScope, match="At most 100"):
        TopicFilter.of([f"topic-{number}" for number in range(101)])


def test_every_legal_topic_character_is_legal_in_a_scope() -> None:
    name = string.ascii_letters + string.digits + "._-"

    assert Scope.parse(name).matches(name)
