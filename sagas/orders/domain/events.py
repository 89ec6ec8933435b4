"""Reading the fields of the shop's events: what is not as promised is refused, before it gets near a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reliability.kernel import text as texts
from sagas.orders.domain.faults import MalformedEvent

Event = Mapping[str, object]

NAME_CHARACTERS_MAX: Final = 40  # order numbers, articles, providers: as long as the columns
REFERENCE_CHARACTERS_MAX: Final = 100  # a provider, an order number and what is put between and behind them
KEY_CHARACTERS_MAX: Final = 400  # the longest idempotency key of a saga's step
CENTS_MAX: Final = 10**9  # ten million euros; with what the desk adds to it still a whole number of four bytes


def text(event: Event, field: str, *, characters_max: int = NAME_CHARACTERS_MAX) -> str:
    """Return a field that is a text of 1 to ``characters_max`` storable characters; raises ``MalformedEvent``."""
    value = event.get(field)
    if not isinstance(value, str):
        raise MalformedEvent(f"{field} is not a text")
    if not value or len(value) > characters_max or not texts.is_storable(value):
        raise MalformedEvent(f"{field} has 1 to {characters_max} characters, and no NUL among them")
    return value


def cents(event: Event, field: str) -> int:
    """Return a field that is an amount of at least one cent; raises ``MalformedEvent``."""
    value = event.get(field)
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedEvent(f"{field} is not a whole number")
    if not 1 <= value <= CENTS_MAX:
        raise MalformedEvent(f"{field} is not between 1 and {CENTS_MAX} cents")
    return value


def text_if_any(event: Event, field: str, *, characters_max: int = NAME_CHARACTERS_MAX) -> str | None:
    """Return ``text(...)``; None where the event does not have the field, or says null."""
    return None if event.get(field) is None else text(event, field, characters_max=characters_max)


def cents_if_any(event: Event, field: str) -> int | None:
    """Return ``cents(...)``; None where the event does not have the field, or says null."""
    return None if event.get(field) is None else cents(event, field)
