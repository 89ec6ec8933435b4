"""JSON that people wrote: each value read by name, and refused in a sentence that says what it has to be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from reliability.console.domain.conditions import WrongRule


def refuse_unknown(what: str, given: Mapping[Any, Any], known: set[str]) -> None:
    """Raise ``WrongRule`` for a key that ``what`` does not have."""
    for name in given:
        if name not in known:
            raise WrongRule(f"{what} has no {str(name)[:40]!r}; there are {', '.join(sorted(known))}.")


def text(given: Mapping[str, Any], name: str) -> str:
    """Return a text; raises ``WrongRule``."""
    value = given.get(name)
    if not isinstance(value, str) or "\x00" in value:
        raise WrongRule(f"{name} is {value!r:.60}; it is a text.")
    return value


def number(given: Mapping[str, Any], name: str) -> float:
    """Return a number; raises ``WrongRule``."""
    value = given.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongRule(f"{name} is {value!r:.60}; it is a number.")
    try:
        return float(value)
    except OverflowError as error:
        raise WrongRule(f"{name} is too large a number.") from error


def whole(given: Mapping[str, Any], name: str) -> int:
    """Return a whole number; raises ``WrongRule``."""
    value = given.get(name)
    if type(value) is not int:
        raise WrongRule(f"{name} is {value!r:.60}; it is a whole number.")
    return value


def as_text(at: datetime | None) -> str | None:
    """Return an instant as JSON keeps it."""
    return at.astimezone(UTC).isoformat() if at is not None else None


def instant(said: str | None) -> datetime | None:
    """Return the instant that ``as_text`` kept."""
    return datetime.fromisoformat(said) if said else None
