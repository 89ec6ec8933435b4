"""What can be the id of a thing, and what a page says of it from what its sections answered."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reliability.console import related
from reliability.console.domain.values import Part, Section
from reliability.console.registry import AlreadyRegistered, Registry, Related
from reliability.console.related import Everything

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


def section(name: str, state: str, *, itself: bool = False) -> Section:
    parts = (Part(kind="x", title=name, text="", url="", word="Placed"),) if state == "ok" else ()
    return Section(name=name, state=state, parts=parts, is_itself=itself)  # type: ignore[arg-type]  # a word of ours


def everything(*sections: Section) -> Everything:
    return Everything(kind="order", id="ord-17", at=NOW, sections=sections)


@pytest.mark.parametrize(
    "thing", ["ord-17", "a/b", "x y", "ölf?#%&+*\"'<b>", "שלום", "1" * 200, "/", "a/", "...", "😀"]
)
def test_an_id_is_anything_that_can_be_seen(thing: str) -> None:
    related.check(thing)


@pytest.mark.parametrize(
    "thing", ["", "a\x00b", "1" * 201, "1" * 10_000, "a\u202eb", "a\u200bb", "a\nb", ".", "..", "a/../b", "\ud800"]
)
def test_what_cannot_be_seen_or_addressed_is_no_id_and_has_no_page(thing: str) -> None:
    with pytest.raises(related.WrongId):
        related.check(thing)
    assert related.url("order", thing) == ""


def test_the_address_holds_the_id_whatever_is_in_it() -> None:
    assert related.url("order", "ord-17") == "/orders/ord-17/"
    assert related.url("order", "a/b?c#d%e f") == "/orders/a/b%3Fc%23d%25e%20f/"


def test_the_thing_is_what_its_owner_says() -> None:
    found = everything(section("Saga", "ok"), section("Order", "ok", itself=True))
    assert found.itself is not None
    assert found.itself.title == "Order"
    assert (found.is_known, found.is_not_owned, found.missing) == (True, False, ())


def test_something_may_be_known_of_what_its_owner_does_not_know() -> None:
    found = everything(section("Saga", "ok"), section("Order", "empty", itself=True))
    assert (found.is_known, found.itself, found.is_not_owned) == (True, None, True)


def test_an_owner_that_does_not_answer_denies_nothing() -> None:
    found = everything(section("Saga", "empty"), section("Order", "slow", itself=True))
    assert (found.is_known, found.is_not_owned) == (False, False)
    assert [each.name for each in found.missing] == ["Order"]


def test_without_an_owner_nothing_is_denied() -> None:
    assert not everything(section("Saga", "ok")).is_not_owned


def test_how_long_it_took_is_no_change() -> None:
    one, other = (everything(Section(name="Saga", state="empty", took_ms=took)) for took in (1.0, 99.0))
    assert one.shown() == other.shown()
    assert one.shown() != everything(section("Saga", "slow")).shown()


def test_a_section_is_registered_once() -> None:
    registry = Registry()
    source = Related(name="Order", act="orders.view", ask=lambda actor, thing, within_s: [])
    registry.register_related("order", source)
    registry.register_related("customer", source)
    with pytest.raises(AlreadyRegistered, match="Order"):
        registry.register_related("order", source)
