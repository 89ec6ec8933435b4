"""Who sends which shard: member rows, lease rows with an epoch, all on the database's clock."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import orjson
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from outbox.domain import sharing
from outbox.domain.event import SHARDS
from outbox.relay import neighbours
from outbox.relay.shard import Shard

LEASE_S = 10.0  # after this a killed relay's shards are taken over; longer than any delivery may take
KEEP_EVERY_S = 2.0
MEMBER_KEPT_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """This relay among the others. The start time tells a process from a later one with the same number."""

    owner: str
    host: str
    pid: int
    hosting: str
    started_at: datetime


def identity(*, hosting: str, started_at: datetime) -> Identity:
    """Return the identity of this process; ``hosting`` is ``worker`` or ``process``."""
    pid = os.getpid()
    owner = f"{socket.gethostname()}:{pid}:{int(started_at.timestamp() * 1000)}"
    return Identity(owner=owner, host=neighbours.host(), pid=pid, hosting=hosting, started_at=started_at)


def keep(me: Identity, owned: dict[int, Shard], *, suspects: frozenset[str] = frozenset()) -> frozenset[str]:
    """Show that this relay lives, renew its leases, give back what is too much, take what is free. Changes ``owned``.

    A shard that is no longer ours leaves ``owned``; one whose lease is ours but which ``owned`` does not have (this
    process dropped it after an error) is taken anew, with a new epoch, as its row tells it.

    Returns the relays of this machine that are dead by now; given back as ``suspects`` at the next call, their shards
    are free at once. The time between lets the broker finish what they had handed to it.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        dead = _show_life(cursor, me)
        _bury(cursor, suspects & dead)
        members = _live_names(cursor)
        kept = _renew(cursor, owned.values())
        for lost in owned.keys() - kept.keys():
            del owned[lost]
        for shard_id, paused in kept.items():
            owned[shard_id].paused = paused
        share = sharing.fair_share(shards=SHARDS, members=members, me=me.owner)
        busy = frozenset(shard.id for shard in owned.values() if shard.busy)
        _release(cursor, [owned.pop(id_) for id_ in sharing.surplus(owned=list(owned), share=share, busy=busy)])
        taken = _take(cursor, me, at_most=share - len(owned), without=owned.keys())
    owned.update({shard.id: shard for shard in taken})
    return dead - suspects


def leave(me: Identity, owned: dict[int, Shard]) -> None:
    """Give all leases back and take this relay off the list."""
    with transaction.atomic(), connection.cursor() as cursor:
        _release(cursor, list(owned.values()))
        # Those, too, that this relay dropped and has not taken anew.
        cursor.execute("UPDATE outbox_shard SET owner = '', until = NULL WHERE owner = %s", [me.owner])
        cursor.execute("DELETE FROM outbox_member WHERE owner = %s", [me.owner])
    owned.clear()


def _show_life(cursor: CursorWrapper, me: Identity) -> frozenset[str]:
    """Show that this one lives; return those that should, and whose processes on this machine are gone."""
    cursor.execute(
        "INSERT INTO outbox_member (owner, host, pid, hosting, started_at, seen_at)"
        " VALUES (%s, %s, %s, %s, %s, clock_timestamp())"
        " ON CONFLICT (owner) DO UPDATE SET seen_at = excluded.seen_at",
        [me.owner, me.host, me.pid, me.hosting, me.started_at],
    )
    cursor.execute(
        "DELETE FROM outbox_member WHERE seen_at < clock_timestamp() - make_interval(secs => %s)", [MEMBER_KEPT_S]
    )
    cursor.execute("SELECT owner, host, pid FROM outbox_member WHERE owner <> %s", [me.owner])
    return frozenset(neighbours.dead(cursor.fetchall(), here=me.host))


def _bury(cursor: CursorWrapper, dead: Collection[str]) -> None:
    if dead:
        cursor.execute("UPDATE outbox_shard SET owner = '', until = NULL WHERE owner = ANY(%s)", [list(dead)])
        cursor.execute("DELETE FROM outbox_member WHERE owner = ANY(%s)", [list(dead)])


def _live_names(cursor: CursorWrapper) -> list[str]:
    cursor.execute(
        "SELECT owner FROM outbox_member WHERE seen_at > clock_timestamp() - make_interval(secs => %s)", [LEASE_S]
    )
    return [owner for (owner,) in cursor.fetchall()]


def _renew(cursor: CursorWrapper, shards: Collection[Shard]) -> dict[int, bool]:
    """Prolong the leases; return which are still ours, and whether each is paused.

    An idle shard's snapshot is written along: it moves with every look, and writing each would be a write per look.
    """
    cursor.execute(
        "UPDATE outbox_shard AS s SET until = clock_timestamp() + make_interval(secs => %s),"
        " snapshot = CASE WHEN v.idle THEN v.snapshot ELSE s.snapshot END,"
        " window_end = CASE WHEN v.idle THEN '' ELSE s.window_end END,"
        " after_id = CASE WHEN v.idle THEN 0 ELSE s.after_id END"
        " FROM unnest(%s::smallint[], %s::bigint[], %s::text[], %s::bool[]) AS v (id, epoch, snapshot, idle)"
        " WHERE s.id = v.id AND s.epoch = v.epoch RETURNING s.id, s.paused_at IS NOT NULL",
        [LEASE_S, *_columns(shards)],
    )
    return dict(cursor.fetchall())


def _release(cursor: CursorWrapper, shards: Collection[Shard]) -> None:
    if not shards:
        return
    _renew(cursor, shards)
    cursor.execute(
        "UPDATE outbox_shard AS s SET owner = '', until = NULL"
        " FROM unnest(%s::smallint[], %s::bigint[]) AS v (id, epoch) WHERE s.id = v.id AND s.epoch = v.epoch",
        [[shard.id for shard in shards], [shard.epoch for shard in shards]],
    )


def _take(cursor: CursorWrapper, me: Identity, *, at_most: int, without: Iterable[int]) -> list[Shard]:
    if at_most <= 0:
        return []
    cursor.execute(
        "UPDATE outbox_shard SET owner = %s, epoch = epoch + 1,"
        " until = clock_timestamp() + make_interval(secs => %s)"
        " WHERE id IN (SELECT id FROM outbox_shard WHERE (owner = '' OR owner = %s OR until < clock_timestamp())"
        "              AND NOT id = ANY(%s::smallint[]) ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)"
        " RETURNING id, epoch, snapshot, window_end, after_id, pending::text, numbers::text, paused_at IS NOT NULL,"
        " failures",
        [me.owner, LEASE_S, me.owner, list(without), at_most],
    )
    shards = {row[0]: _shard(*row) for row in cursor.fetchall()}
    cursor.execute(
        "SELECT DISTINCT shard, topic, key FROM outbox_parked WHERE shard = ANY(%s::smallint[]) AND key IS NOT NULL",
        [list(shards)],
    )
    for shard_id, topic, key in cursor.fetchall():
        shards[shard_id].lanes.add((topic, bytes(key)))
    cursor.execute("SELECT DISTINCT shard, topic FROM outbox_waiting WHERE shard = ANY(%s::smallint[])", [list(shards)])
    for shard_id, topic in cursor.fetchall():
        shards[shard_id].waiting.add(topic)
    return list(shards.values())


def _shard(
    id_: int,
    epoch: int,
    snapshot: str,
    window_end: str,
    after_id: int,
    pending: str | None,
    numbers: str,
    paused: bool,
    failures: int,
) -> Shard:
    return Shard(
        id=id_,
        epoch=epoch,
        snapshot=snapshot,
        window_end=window_end,
        after_id=after_id,
        pending=None if pending is None else orjson.loads(pending),
        numbers=orjson.loads(numbers),
        paused=paused,
        failures=failures,
    )


def _columns(shards: Collection[Shard]) -> list[list[object]]:
    return [
        [shard.id for shard in shards],
        [shard.epoch for shard in shards],
        [shard.snapshot for shard in shards],
        [not shard.busy and not shard.window_end for shard in shards],
    ]
