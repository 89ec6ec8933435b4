"""Pause and resume the relays, let them go on after a restore: acts of an operator who may see every topic.

A shard carries the events of all topics, so that none of these acts can be bounded by topics.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import connection
from django.db.backends.utils import CursorWrapper

from outbox.domain.event import SHARDS
from outbox.operations import hints
from reliability import access, audit, live
from reliability.kernel.errors import Refused

ALL_SHARDS = frozenset(range(SHARDS))

_PLACE = (
    "SELECT system_identifier::text, left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) FROM pg_control_system()"
)


class NoSuchShard(Refused):
    """There is no such shard."""

    code = "no-such-shard"
    status = 404


class NotHalted(Refused):
    """The relays are not halted."""

    code = "not-halted"


def pause(*, shards: Collection[int] = ALL_SHARDS, actor: access.Actor, reason: str, now: datetime) -> list[int]:
    """Stop sending from these shards; return those that were not paused yet.

    What was begun is finished; nothing new is begun, from the next write of their relays on.
    """
    _exist(shards)
    with audit.action("outbox.pause", actor=actor, target=_named(shards), reason=reason) as entry:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE outbox_shard SET paused_at = %s, paused_by = %s, pause_reason = %s"
                " WHERE id = ANY(%s) AND paused_at IS NULL RETURNING id",
                [now, actor.shown, reason, sorted(shards)],
            )
            paused = sorted(shard for (shard,) in cursor.fetchall())
        entry.facts["shards"] = paused
        live.changed("outbox")
    return paused


def resume(*, shards: Collection[int] = ALL_SHARDS, actor: access.Actor, reason: str = "") -> list[int]:
    """Send again from these shards; return those that were paused."""
    _exist(shards)
    with audit.action("outbox.resume", actor=actor, target=_named(shards), reason=reason) as entry:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE outbox_shard SET paused_at = NULL, paused_by = '', pause_reason = ''"
                " WHERE id = ANY(%s) AND paused_at IS NOT NULL RETURNING id",
                [sorted(shards)],
            )
            resumed = sorted(shard for (shard,) in cursor.fetchall())
        entry.facts["shards"] = resumed
        live.changed("outbox")
    hints.give()
    return resumed


def accept_database(*, actor: access.Actor, reason: str) -> None:
    """Take the database as it is now for the right one and let halted relays go on; raises ``NotHalted``.

    To be done when it is known what the restore or failover took: events sent after the point it went back to may be
    sent again, and ones committed after it are gone.
    """
    with audit.action("outbox.accept_database", actor=actor, target="outbox", reason=reason) as entry:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT halt_reason, system_identifier FROM outbox_setting WHERE halt_reason <> '' FOR UPDATE"
            )
            row = cursor.fetchone()
            if row is None:
                raise NotHalted
            entry.facts["halted_because"] = row[0]
            cursor.execute(_PLACE)
            identifier, timeline = cursor.fetchone()
            if identifier != row[1]:
                _rebase(cursor)
            cursor.execute(
                "UPDATE outbox_setting SET system_identifier = %s, timeline = %s, halted_at = NULL, halt_reason = ''",
                [identifier, timeline],
            )
        live.changed("outbox")
    hints.give()


def _rebase(cursor: CursorWrapper) -> None:
    """Make the stored transaction numbers mean something on this server, whose own count began anew.

    What was not sent gets this transaction's number, so that it is read as if written now; the rest one long past.
    The only update that the event table ever sees.
    """
    cursor.execute("SET LOCAL statement_timeout = 0")
    cursor.execute(
        "UPDATE outbox_event AS e SET xid = CASE WHEN pg_visible_in_snapshot(e.xid, s.snapshot::pg_snapshot)"
        "   OR (s.window_end <> '' AND e.id <= s.after_id"
        "       AND pg_visible_in_snapshot(e.xid, nullif(s.window_end, '')::pg_snapshot))"
        "   THEN '3'::xid8 ELSE pg_current_xact_id() END"
        " FROM outbox_shard AS s WHERE s.id = e.shard"
    )
    cursor.execute(
        "UPDATE outbox_shard SET snapshot = pg_current_snapshot()::text, window_end = '', after_id = 0, pending = NULL"
    )


def _exist(shards: Collection[int]) -> None:
    unknown = set(shards) - ALL_SHARDS
    if unknown or not shards:
        named = ", ".join(map(str, sorted(unknown))) or "without a number"
        raise NoSuchShard(f"There is no shard {named}; they are 0 to {SHARDS - 1}.")


def _named(shards: Collection[int]) -> str:
    return "outbox" if set(shards) == ALL_SHARDS else "outbox:shard:" + ",".join(str(s) for s in sorted(shards))
