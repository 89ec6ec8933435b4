"""A breaker as text and back, for whatever keeps it."""

from __future__ import annotations

from typing import Any, Final

import orjson

from reliability.breakers.domain.machine import Breaker, Override, State

INSTANT_MAX: Final = 1e11
"""Seconds; far beyond every clock."""


class Unreadable(ValueError):
    """What is kept is no breaker."""


def packed(breaker: Breaker) -> str:
    """Return the breaker as JSON; equal breakers give equal texts."""
    fields = {name: getattr(breaker, name) for name in Breaker.__slots__}
    fields["permits"] = dict(breaker.permits)
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS).decode()


def unpacked(text: str | bytes) -> Breaker:
    """Return the breaker in a text that ``packed`` made; raises ``Unreadable`` for any other."""
    try:
        fields: dict[str, Any] = orjson.loads(text)
        found = Breaker(
            state=State(fields["state"]),
            gen=int(fields["gen"]),
            since=float(fields["since"]),
            open_until=float(fields["open_until"]),
            attempt=int(fields["attempt"]),
            permits={str(permit): float(deadline) for permit, deadline in fields["permits"].items()},
            passed=int(fields["passed"]),
            failed=int(fields["failed"]),
            reason=str(fields["reason"]),
            override=Override(fields["override"]),
            override_until=float(fields["override_until"]),
            cause=str(fields.get("cause", "")),
        )
        _check(found)
        return found
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unreadable(f"this is no breaker: {error}") from error


def _check(breaker: Breaker) -> None:
    instants = (breaker.since, breaker.open_until, breaker.override_until, *breaker.permits.values())
    if not all(0 <= instant <= INSTANT_MAX for instant in instants) or not 0 <= breaker.gen < 2**62:
        raise Unreadable("its numbers are no times")
