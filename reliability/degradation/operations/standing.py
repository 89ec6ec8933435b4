"""What every change of a flag has in common: its row is held, its history written, and every process told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from django.db import DatabaseError, transaction
from django.db.models import F

from reliability import live
from reliability.degradation.domain.precedence import Standing
from reliability.degradation.domain.snapshot import packed
from reliability.degradation.models import Change, Flag, Revision
from reliability.degradation.models.history import Kind
from reliability.degradation.queries import standing as queries
from reliability.degradation.stores.shared import RedisStore, Unreachable
from reliability.kernel import clock
from reliability.kernel.errors import Refused

log = structlog.get_logger(__name__)


class Superseded(Refused):
    """Somebody else has changed this since you looked at it; look again, then decide."""

    code = "superseded"
    status = 409


def locked(name: str, *, version: int | None = None) -> Flag:
    """Inside a transaction: return a flag's row, held to its end; raises ``NoSuchFlag``.

    With ``version``, the one that was looked at: of two who act at once the second gets ``Superseded``.
    """
    row = Flag.objects.select_for_update().filter(name=queries.one(name).name).first()
    if row is None:
        raise queries.NoSuchFlag
    if version is not None and row.version != version:
        raise Superseded
    return row


def settled(
    row: Flag,
    kind: Kind,
    *,
    now: datetime,
    actor: str = "",
    why: str = "",
    owner: str = "",
    until: datetime | None = None,
    facts: Mapping[str, Any] | None = None,
    by_person: bool = False,
) -> Change:
    """Inside a transaction that holds the row: find out what is in force now, write it down, have it told."""
    standing = queries.held(row, now=now).standing(now)
    made = Change.objects.create(
        flag=row.name,
        at=now,
        kind=kind,
        before=row.level,
        after=standing.level,
        source=standing.decides.source,
        owner=owner,
        actor=actor,
        why=why,
        until=until,
        facts=dict(facts or {}),
    )
    _keep(row, standing, now=now, by_person=by_person)
    tell(now=now)
    return made


def tell(*, now: datetime) -> None:
    """Inside a transaction: give all flags a new revision; once it is committed, every process hears of it."""
    Revision.objects.get_or_create(id=1)
    Revision.objects.filter(id=1).update(number=F("number") + 1, at=now)
    transaction.on_commit(push, robust=True)
    live.changed("degradation")
    live.changed("overview")


def push(*, anyway: bool = False) -> bool:
    """Hand the flags as they are to Redis, which tells every process; return whether that was done. Raises nothing.

    What is not told is found by the processes' own looks at the database.
    """
    try:
        snapshot = queries.snapshot(now=clock.SYSTEM.now())
        return RedisStore().publish(snapshot.revision, packed(snapshot), anyway=anyway)
    except Unreachable as error:
        log.warning("degradation_not_told", error=str(error), meaning="processes look at the database themselves")
    except DatabaseError as error:
        log.warning("degradation_not_read_again", error=str(error))
    return False


def _keep(row: Flag, standing: Standing, *, now: datetime, by_person: bool) -> None:
    source = standing.decides.source
    if (row.level, row.source) != (standing.level, source):
        row.level, row.source, row.changed_at = standing.level, source, now
    row.changes_at = standing.changes_at
    row.version += by_person
    row.save()
