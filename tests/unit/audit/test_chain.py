"""The chain names the first entry that is not as it was written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.audit.domain import chain


def links(count: int) -> list[chain.Link]:
    made: list[chain.Link] = []
    head = chain.NO_PREVIOUS
    for seq in range(1, count + 1):
        fields = {"seq": seq, "act": f"act {seq}"}
        digest = chain.hash_of(prev_hash=head, fields=fields)
        made.append(chain.Link(seq=seq, fields=fields, prev_hash=head, hash=digest))
        head = digest
    return made


def first_break(entries: list[chain.Link], heads: dict[int, bytes] | None = None) -> chain.Break | None:
    *_, last = [None, *chain.check(entries, heads=heads)]
    return last if isinstance(last, chain.Break) else None


def changed(link: chain.Link, **fields: object) -> chain.Link:
    return chain.Link(seq=link.seq, fields={**link.fields, **fields}, prev_hash=link.prev_hash, hash=link.hash)


def test_an_intact_chain_is_good_to_its_head() -> None:
    entries = links(5)

    assert list(chain.check(entries))[-1] == chain.Head(seq=5, hash=entries[4].hash)
    assert first_break([]) is None


@given(count=st.integers(1, 8), data=st.data())
def test_a_changed_entry_is_named(count: int, data: st.DataObject) -> None:
    entries = links(count)
    at = data.draw(st.integers(0, count - 1))
    entries[at] = changed(entries[at], act="another")

    found = first_break(entries)

    assert found is not None
    assert (found.seq, found.problem) == (at + 1, "its content is not what was written")


@given(count=st.integers(2, 8), data=st.data())
def test_a_dropped_entry_is_named(count: int, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, count - 2))
    entries = links(count)
    del entries[at]

    found = first_break(entries)

    assert found is not None
    assert found.seq == at + 1
    assert "missing" in found.problem


def test_entries_that_changed_places_are_named() -> None:
    entries = links(4)
    second, third = entries[1], entries[2]
    entries[1:3] = [
        chain.Link(seq=2, fields=third.fields, prev_hash=third.prev_hash, hash=third.hash),
        chain.Link(seq=3, fields=second.fields, prev_hash=second.prev_hash, hash=second.hash),
    ]

    found = first_break(entries)

    assert found is not None
    assert found.seq == 2


def test_an_entry_rewritten_with_its_hash_breaks_at_the_next_one() -> None:
    entries = links(4)
    fields = {"seq": 2, "act": "forged"}
    digest = chain.hash_of(prev_hash=entries[0].hash, fields=fields)
    entries[1] = chain.Link(seq=2, fields=fields, prev_hash=entries[0].hash, hash=digest)

    found = first_break(entries)

    assert found is not None
    assert (found.seq, found.problem) == (3, "it does not continue the entry before it")


def test_only_a_head_kept_elsewhere_shows_a_cut_end() -> None:
    entries = links(5)

    assert first_break(entries[:3]) is None
    found = first_break(entries[:3], heads={5: entries[4].hash})
    assert found is not None
    assert found.seq == 5
    assert "ends at 3" in found.problem


def test_only_a_head_kept_elsewhere_shows_a_chain_rewritten_as_a_whole() -> None:
    known = links(3)[1].hash
    forged = links(2)
    forged[0] = changed(forged[0], act="forged")
    digest = chain.hash_of(prev_hash=chain.NO_PREVIOUS, fields=forged[0].fields)
    forged[0] = chain.Link(seq=1, fields=forged[0].fields, prev_hash=chain.NO_PREVIOUS, hash=digest)
    second = chain.hash_of(prev_hash=digest, fields=forged[1].fields)
    forged[1] = chain.Link(seq=2, fields=forged[1].fields, prev_hash=digest, hash=second)

    assert first_break(forged) is None
    found = first_break(forged, heads={2: known})
    assert found is not None
    assert found.seq == 2


@given(
    st.dictionaries(
        st.text(),
        st.one_of(st.integers(), st.text(), st.none(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)),
    )
)
def test_the_canonical_form_does_not_depend_on_the_order_of_keys(value: dict[str, object]) -> None:
    backwards = dict(reversed(list(value.items())))

    assert chain.canonical(value) == chain.canonical(backwards)
    assert chain.canonical(value).isascii()


def test_not_a_number_has_no_canonical_form() -> None:
    with pytest.raises(ValueError, match="JSON"):
        chain.canonical({"a": float("nan")})


def test_an_instant_has_one_spelling_in_every_zone() -> None:
    at = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)

    assert chain.instant(at) == "2026-11-20T12:00:00.000000Z"
    assert chain.instant(at.astimezone(timezone(timedelta(hours=5)))) == chain.instant(at)


def test_a_head_prints_as_it_is_read_back() -> None:
    assert str(chain.Head(seq=3, hash=b"\x01" * 32)) == "3:" + "01" * 32
