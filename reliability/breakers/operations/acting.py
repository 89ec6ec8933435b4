"""What an operator says of a breaker: an override with an expiry, other rules, or that it begins anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from reliability import access, audit, live
from reliability.breakers.domain import words
from reliability.breakers.domain.machine import Breaker as Machine
from reliability.breakers.domain.machine import Override, Superseded
from reliability.breakers.domain.rules import WrongRules
from reliability.breakers.models import Breaker
from reliability.breakers.operations import telling
from reliability.breakers.queries import wall
from reliability.breakers.queries.history import NoSuchBreaker
from reliability.breakers.stores.port import Unreachable
from reliability.kernel.errors import Refused

OVERRIDE: Final = "breakers.override"
RULES: Final = "breakers.rules"
RESET: Final = "breakers.reset"
MOVED: Final = "Somebody else has said something of this breaker since you looked at it; look again."


class BadRules(Refused):
    """A breaker cannot behave like this."""

    code = "bad-rules"
    status = 422


class StoreAway(Refused):
    """The store that the fleet shares does not answer: try again when it does."""

    code = "store-away"
    status = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A breaker after an act. ``is_told``: the fleet knows; else it is told as soon as its store answers."""

    breaker: Breaker
    is_told: bool


def override(
    name: str, kind: Override, *, lasts: timedelta, number: int, actor: access.Actor, reason: str, now: datetime
) -> Said:
    """Lay an override over a breaker for so long; it takes the place of one that holds, and so lengthens it too.

    ``number`` is the row's ``override_number`` that was looked at. Raises ``NoSuchBreaker``, ``Superseded``,
    ``words.BadExpiry``, ``words.NotAnOverride``, ``access.Denied`` and what ``audit.action`` raises.
    """
    facts = {"override": str(kind), "minutes": round(lasts / timedelta(minutes=1))}
    with audit.action(OVERRIDE, actor=actor, target=target(name), reason=reason, facts=facts) as entry:
        words.checked(kind, lasts)
        row = _locked(name, number)
        entry.facts |= {"was": row.override if wall.in_force(row, now=now)[0] else "", "state": row.state}
        row.override, row.override_until = str(kind), now + lasts
        row.override_by, row.override_reason = actor.name, reason
        row.override_number += 1
        row.save()
    return _told(row, now=now)


def take_back(name: str, *, number: int, actor: access.Actor, reason: str, now: datetime) -> Said:
    """Let a breaker decide by itself again. Raises as ``override``, and ``words.NothingToTakeBack``."""
    with audit.action(OVERRIDE, actor=actor, target=target(name), reason=reason, facts={"override": ""}) as entry:
        row = _locked(name, number)
        was, _ = wall.in_force(row, now=now)
        if was is Override.NONE:
            raise words.NothingToTakeBack
        entry.facts |= {"was": str(was), "by": row.override_by}
        row.override, row.override_until, row.override_by, row.override_reason = "", None, "", ""
        row.override_number += 1
        row.save()
    return _told(row, now=now)


def change_rules(
    name: str, changes: Mapping[str, object], *, version: int, actor: access.Actor, reason: str, now: datetime
) -> Said:
    """Have a breaker go by other rules than its code has: exactly these differ from then on, none where it is empty.

    ``version`` is the row's ``rules_version`` that was looked at. Raises ``NoSuchBreaker``, ``BadRules``,
    ``Superseded``, ``access.Denied`` and what ``audit.action`` raises.
    """
    with audit.action(RULES, actor=actor, target=target(name), reason=reason) as entry:
        row = Breaker.objects.select_for_update().filter(name=name).first()
        if row is None:
            raise NoSuchBreaker(name)
        if row.rules_version != version:
            raise Superseded(MOVED)
        _, declared = wall.rules_of(row)
        try:
            rules = declared.with_changes(changes)
        except WrongRules as error:
            raise BadRules(str(error)) from error
        was = row.rules
        row.rules = rules.changes_from(declared)
        row.rules_version += 1
        row.save()
        entry.facts |= {"was": was, "rules": row.rules}
    return _told(row, now=now)


def reset(name: str, *, gen: int, actor: access.Actor, reason: str) -> Machine:
    """Close a breaker as if nothing had happened; an override stays. ``gen`` is the generation that was looked at.

    The fleet's store does it inside the act, last: what is on record was done, and its history tells it besides.
    Raises ``NoSuchBreaker``, ``StoreAway``, ``Superseded``, ``access.Denied`` and what ``audit.action`` raises.
    """
    with audit.action(RESET, actor=actor, target=target(name), reason=reason, facts={"gen": gen}) as entry:
        row = Breaker.objects.filter(name=name).first()
        if row is None:
            raise NoSuchBreaker(name)
        entry.facts |= {"state": row.state}
        try:
            kept = telling.fleet().reset(name, gen=gen)
        except Unreachable as error:
            raise StoreAway from error
    live.changed("breakers")
    return kept.breaker or Machine()


def target(name: str) -> str:
    """Return how the audit names a breaker."""
    return f"breaker:{name}"


def _locked(name: str, number: int) -> Breaker:
    row = Breaker.objects.select_for_update().filter(name=name).first()
    if row is None:
        raise NoSuchBreaker(name)
    if row.override_number != number:
        raise Superseded(MOVED)
    return row


def _told(row: Breaker, *, now: datetime) -> Said:
    said = Said(breaker=row, is_told=telling.told_at_once(row.name, now=now))
    live.changed("breakers")
    return said
