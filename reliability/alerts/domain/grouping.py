"""Which incident an alert belongs to: so many that a person can tell them apart, and never a storm of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from reliability.alerts.domain.rule import Rule, Together

INCIDENTS_MAX: Final = 10
"""Open incidents of one rule: nobody reads more pages than that. What comes on top is one incident more."""
REST: Final = "*"
"""The key of that one."""


def key_of(rule: Rule, *, room: str, thing: str) -> str:
    """Return what the alerts of one incident have in common."""
    match rule.together:
        case Together.RULE:
            return "rule"
        case Together.ROOM:
            return f"room:{room}"
        case Together.THING:
            return f"thing:{thing}"


def placed(wanted: Iterable[tuple[str, str]], *, open_keys: Collection[str]) -> dict[str, str]:
    """Return the key of the incident that each thing joins; ``wanted`` are things with the keys they would have.

    A key that has an open incident is joined; a new one opens an incident while there are fewer than
    ``INCIDENTS_MAX``; whatever comes then goes into the one called ``REST``.
    """
    known = set(open_keys)
    found: dict[str, str] = {}
    for thing, key in wanted:
        if key not in known and len(known - {REST}) >= INCIDENTS_MAX:
            key = REST
        known.add(key)
        found[thing] = key
    return found
