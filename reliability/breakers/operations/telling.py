"""Telling the fleet what persons have said: what is in PostgreSQL holds, and the store is made to say the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import orjson
import structlog
from django.db import transaction
from django.db.models import Q

from reliability.breakers.domain.machine import Breaker as Machine
from reliability.breakers.domain.machine import Override, Superseded
from reliability.breakers.models import Breaker
from reliability.breakers.queries import wall
from reliability.breakers.stores.fleet import Fleet
from reliability.breakers.stores.port import Kept, Unreachable
from reliability.breakers.stores.shared import RedisStore

log = structlog.get_logger(__name__)

SAME_WITHIN_S: Final = 2.0
"""The fleet's clock is not the console's: so far apart, an expiry is the same."""


def fleet() -> Fleet:
    """Return the fleet as the console speaks with it."""
    return Fleet(RedisStore())


def tell(names: Sequence[str] | None = None, *, now: datetime) -> int:
    """Make the store say what is written down, of these breakers or of all; return how many it had otherwise.

    A row that somebody else is telling of at this moment is left to him. Raises ``Unreachable``.
    """
    with transaction.atomic():
        rows = Breaker.objects.select_for_update(skip_locked=names is None)
        found = rows.filter(name__in=names) if names is not None else rows.filter(_SAID)
        return _tell(list(found.order_by("name")), now=now)


_SAID: Final = Q(override_number__gt=0) | Q(rules_version__gt=0)


def _tell(rows: Sequence[Breaker], *, now: datetime) -> int:
    if not rows:
        return 0
    there = fleet()
    names = [row.name for row in rows]
    kept, changes = there.read(names), there.store.changes(names)
    told = 0
    for row in rows:
        try:
            told += _tell_one(there, row, kept[row.name], changes[row.name], now=now)
        except Unreachable:
            raise
        except Exception:  # what is wrong with one must not keep the others' words away
            log.exception("breakers_word_untellable", name=row.name)
    return told


def _tell_one(there: Fleet, row: Breaker, kept: Kept, changes: str, *, now: datetime) -> int:
    wanted = changes_of(row)
    if changes != wanted:
        there.store.say_changes(row.name, wanted)
    return _tell_override(there, row, kept, now=now) + (changes != wanted)


def _tell_override(there: Fleet, row: Breaker, kept: Kept, *, now: datetime) -> int:
    wanted, lasts_s = wall.in_force(row, now=now)
    breaker = kept.breaker or Machine()
    until = kept.now + lasts_s
    is_same = wanted is Override.NONE or abs(breaker.override_until - until) <= SAME_WITHIN_S
    if breaker.overridden(kept.now) is wanted and is_same:
        return 0
    try:
        there.lay_over(row.name, wanted, until=until, gen=breaker.gen)
    except Superseded:  # it has moved since it was read: it is told with the next turn
        log.info("breakers_word_late", name=row.name)
        return 0
    return 1


def changes_of(row: Breaker) -> str:
    """Return what a person has changed of the rules, as the store keeps it; "" where nothing is changed."""
    return orjson.dumps(row.rules, option=orjson.OPT_SORT_KEYS).decode() if row.rules else ""


def told_at_once(name: str, *, now: datetime) -> bool:
    """Tell the fleet of one breaker, after what was said of it is committed; False: the recorder does, when it can."""
    try:
        tell([name], now=now)
    except Unreachable as error:
        log.warning("breakers_word_untold", name=name, error=str(error))
        return False
    return True
