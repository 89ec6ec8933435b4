"""Facts of any kind become bounded, printable, plain JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from reliability.audit.domain import chain, facts

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), anything, max_size=5))
def test_anything_has_a_canonical_form_afterwards(value: dict[str, object]) -> None:
    text = chain.canonical(facts.plain_mapping(value))

    assert "\\u0000" not in text


def test_kinds_json_does_not_know_are_kept_as_text() -> None:
    identity = UUID(int=7)
    at = datetime(2026, 1, 1, tzinfo=UTC)

    assert facts.plain({"id": identity, "at": at, "n": {1}}) == {"id": str(identity), "at": str(at), "n": [1]}


def test_numbers_that_would_not_survive_a_browser_are_kept_as_text() -> None:
    assert facts.plain(2**53 + 1) == hex(2**53 + 1)
    assert facts.plain(float("inf")) == "inf"
    assert facts.plain(10**5000)  # more digits than Python writes in decimal


def test_too_much_is_counted() -> None:
    assert facts.plain(list(range(103))) == [*range(100), "and 3 more"]
    assert facts.plain({str(n): n for n in range(103)})["not_kept"] == 3  # type: ignore[index]  # a mapping stays one
    assert facts.left_out([str(n) for n in range(103)]) == 3
    assert len(facts.topics([str(n) for n in range(103)])) == 100


def test_too_deep_ends_as_text() -> None:
    deep: object = "end"
    for _ in range(50):
        deep = [deep]

    assert len(chain.canonical(facts.plain(deep))) < 300


def test_a_reason_is_kept_without_what_cannot_be_seen() -> None:
    assert facts.reason("  paid\x00 back \u202e ") == "paid␀ back <U+202E>"
