"""What a relay writes down: the batch it is about to send, and what became of it. Every write carries the epoch.

A shard whose epoch has moved on belongs to another relay: nothing is written for it, and the caller drops it at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from outbox.domain.planning import Park
from outbox.relay.batch import Batch, ReceiptRow, refusals
from outbox.relay.shard import Shard
from reliability.console import registry
from reliability.kernel import failpoint, text

ERROR_CHARACTERS_MAX = 500


def begin(batches: Sequence[Batch]) -> set[int]:
    """Write down what is about to be sent, with what is parked beforehand; return the shards for which it may be.

    Left out are shards that are another's by now, and those that an operator has paused.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbox_shard AS s SET snapshot = v.a, window_end = v.b, after_id = v.after_id, pending = v.pending"
            " FROM unnest(%s::smallint[], %s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::jsonb[])"
            "      AS v (id, epoch, a, b, after_id, pending)"
            " WHERE s.id = v.id AND s.epoch = v.epoch AND s.paused_at IS NULL RETURNING s.id",
            [
                [b.shard.id for b in batches],
                [b.shard.epoch for b in batches],
                [b.shard.snapshot for b in batches],
                [b.window_end for b in batches],
                [b.shard.after_id for b in batches],
                [orjson.dumps(b.pending()).decode() for b in batches],
            ],
        )
        ours = {shard for (shard,) in cursor.fetchall()}
        parks = [(b.shard.id, parked) for b in batches if b.shard.id in ours for parked in b.plan.parks]
        _park(cursor, parks)
        _hold(cursor, [b for b in batches if b.shard.id in ours])
        _write_receipts(cursor, refusals(parked for _, parked in parks))
        failpoint.reach("relay.in_begin")
    return ours


def finish(batches: Sequence[Batch]) -> set[int]:
    """Record batches as sent: place, numbers, receipts, parked events, batch log, in one transaction.

    Returns the shards for which it was recorded.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        ours = _move_on(cursor, batches)
        done = [b for b in batches if b.shard.id in ours]
        _park(cursor, [(b.shard.id, parked) for b in done for parked in b.late_parks])
        _write_receipts(cursor, [row for b in done for row in b.receipts()])
        _let_go(cursor, done)
        _log(cursor, [b for b in done if not b.released])
        failpoint.reach("relay.in_finish")
    return ours


def fail(waits: Sequence[tuple[Shard, float]], *, error: str) -> None:
    """Note of shards that they could not go on, and in how many seconds each is tried again."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbox_shard AS s SET failures = v.failures, last_error = %s, last_error_at = clock_timestamp(),"
            " retry_at = clock_timestamp() + make_interval(secs => v.wait_s)"
            " FROM unnest(%s::smallint[], %s::bigint[], %s::int[], %s::float[]) AS v (id, epoch, failures, wait_s)"
            " WHERE s.id = v.id AND s.epoch = v.epoch",
            [
                text.printable(error, limit=ERROR_CHARACTERS_MAX),
                [shard.id for shard, _ in waits],
                [shard.epoch for shard, _ in waits],
                [shard.failures for shard, _ in waits],
                [wait_s for _, wait_s in waits],
            ],
        )


def _move_on(cursor: CursorWrapper, batches: Sequence[Batch]) -> set[int]:
    cursor.execute(
        "UPDATE outbox_shard AS s SET snapshot = CASE WHEN v.ended THEN v.b ELSE s.snapshot END,"
        " window_end = CASE WHEN v.ended THEN '' ELSE v.b END,"
        " after_id = CASE WHEN v.ended THEN 0 ELSE v.last_id END,"
        " numbers = v.numbers, pending = NULL, failures = 0, retry_at = NULL,"
        " sent = s.sent + v.sent, sent_at = clock_timestamp()"
        " FROM unnest(%s::smallint[], %s::bigint[], %s::bool[], %s::text[], %s::bigint[], %s::jsonb[], %s::int[])"
        "      AS v (id, epoch, ended, b, last_id, numbers, sent)"
        " WHERE s.id = v.id AND s.epoch = v.epoch RETURNING s.id",
        [
            [b.shard.id for b in batches],
            [b.shard.epoch for b in batches],
            [b.ended for b in batches],
            [b.window_end for b in batches],
            [b.last_id for b in batches],
            [orjson.dumps(b.numbering.state()).decode() for b in batches],
            [b.sent for b in batches],
        ],
    )
    return {shard for (shard,) in cursor.fetchall()}


def _park(cursor: CursorWrapper, parks: Sequence[tuple[int, Park]]) -> None:
    parks = [(shard, parked) for shard, parked in parks if parked.kept]
    if not parks:
        return
    cursor.executemany(
        "INSERT INTO outbox_parked (event, event_id, shard, topic, key, behind, code, reason, number, parked_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, clock_timestamp()) ON CONFLICT (event) DO NOTHING",
        [
            (
                parked.row.id,
                parked.row.event_id,
                shard,
                parked.row.topic,
                parked.row.key,
                parked.behind,
                parked.code,
                text.printable(parked.reason, limit=ERROR_CHARACTERS_MAX),
                parked.number,
            )
            for shard, parked in parks
        ],
    )


def _hold(cursor: CursorWrapper, batches: Sequence[Batch]) -> None:
    """Write down what waits for a breaker."""
    held = [(row.id, b.shard.id, row.topic) for b in batches for row in b.plan.waits]
    if held:
        cursor.execute(
            "INSERT INTO outbox_waiting (event, shard, topic) SELECT * FROM unnest(%s::bigint[], %s::smallint[],"
            " %s::text[]) ON CONFLICT (event) DO NOTHING",
            [list(column) for column in zip(*held, strict=True)],
        )


def _let_go(cursor: CursorWrapper, batches: Sequence[Batch]) -> None:
    """Of what waited for a breaker, this was sent or parked."""
    events = [event for b in batches for event in b.released]
    if events:
        cursor.execute("DELETE FROM outbox_waiting WHERE event = ANY(%s::bigint[])", [events])


def _write_receipts(cursor: CursorWrapper, rows: Sequence[ReceiptRow]) -> None:
    if not rows:
        return
    cursor.execute(
        'INSERT INTO outbox_receipt (event_id, topic, partition, "offset", sha256, state, error, at)'
        " SELECT *, clock_timestamp() FROM unnest(%s::uuid[], %s::text[], %s::int[], %s::bigint[], %s::bytea[],"
        "                                         %s::text[], %s::text[])"
        " ON CONFLICT (event_id) DO UPDATE SET topic = excluded.topic, partition = excluded.partition,"
        ' "offset" = excluded."offset", sha256 = excluded.sha256, state = excluded.state, error = excluded.error,'
        " at = excluded.at",
        [list(column) for column in zip(*rows, strict=True)],
    )
    registry.touched("outbox.receipt", [row[0] for row in rows], by="relay")


def _log(cursor: CursorWrapper, batches: Sequence[Batch]) -> None:
    """Append to the batch log, one row a shard and second: within a second the windows follow each other."""
    cursor.execute(
        "INSERT INTO outbox_batch AS o (shard, second, a, b, first_id, last_id, events, bytes, sent_at)"
        " SELECT v.shard, floor(extract(epoch FROM now()))::bigint, v.a, v.b, v.first_id, v.last_id, v.events,"
        "        v.bytes, now()"
        " FROM unnest(%s::smallint[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::int[], %s::bigint[])"
        "      AS v (shard, a, b, first_id, last_id, events, bytes)"
        " ON CONFLICT (shard, second) DO UPDATE SET b = excluded.b, first_id = least(o.first_id, excluded.first_id),"
        " last_id = greatest(o.last_id, excluded.last_id), events = o.events + excluded.events,"
        " bytes = o.bytes + excluded.bytes, sent_at = excluded.sent_at",
        [
            [b.shard.id for b in batches],
            [b.shard.snapshot for b in batches],
            [b.window_end for b in batches],
            [b.first_id for b in batches],
            [b.last_id for b in batches],
            [b.sent for b in batches],
            [b.plan.size_bytes for b in batches],
        ],
    )
