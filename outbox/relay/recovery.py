"""A batch that a relay began and did not finish: built again exactly as it was, and searched for where it counts."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator

import structlog

from outbox.domain import numbering, planning
from outbox.domain.event import sha256_of
from outbox.relay.batch import Batch
from outbox.relay.reading import Source
from outbox.relay.shard import Shard
from reliability.kafka import ports
from reliability.kernel import wire
from reliability.kernel.errors import Transient
from reliability.kernel.record import Header, Record, TopicPartition

log = structlog.get_logger(__name__)

SCAN_RECORDS_MAX = 100_000  # a search beyond this takes longer than an operator's look into the topic
SCAN_DEADLINE_S = 5.0  # below the lease

_UNLIMITED = 1 << 62


class Mismatch(Transient):
    """The events of a batch that was begun are not the ones that were recorded."""


def rebuild(shard: Shard, source: Source, *, outbox: str) -> Batch:
    """Return the batch that the shard's row says was begun: the same events, order, partitions and numbers."""
    pending = shard.pending
    if pending is None:
        raise ValueError(f"shard {shard.id} has no pending batch")
    last_id, counts = int(pending["last_id"]), pending["partitions"]
    released = tuple(pending.get("released", ()))
    if released:
        rows = source.released(shard=shard.id, events=released)
    else:
        rows = source.exactly(
            shard=shard.id, a=shard.snapshot, b=shard.window_end, after_id=shard.after_id, last_id=last_id
        )
    refused = set(pending.get("refused", ()))
    rows = [row for row in rows if row.id not in refused]
    counted = numbering.Numbering(
        numbering.resumed(shard.numbers, pending["numbers"]), outbox=outbox, shard=shard.id, epoch=0
    )
    # What could not be sent was parked or refused when the batch was begun: the rest was to be sent, whatever the
    # limits are now.
    topics = planning.Topics(partitions=counts.get, limit_bytes=lambda topic: _UNLIMITED)
    plan = planning.plan(rows, topics=topics, numbering=counted, lanes=set())
    if plan.parks:
        raise Mismatch(f"shard {shard.id}: the batch up to {last_id} is not what was recorded")
    targets = {
        TopicPartition(topic, int(partition)): offset
        for topic, partitions in pending["targets"].items()
        for partition, offset in partitions.items()
    }
    return Batch(
        shard=shard,
        window_end=shard.window_end,
        first_id=rows[0].id if rows else shard.after_id,
        oldest_s=rows[0].created_s if rows else 0.0,
        last_id=last_id,
        ended=bool(pending["ended"]),
        plan=plan,
        numbering=counted,
        targets=targets,
        released=released,
        begun=True,
    )


def search(batch: Batch, *, admin: ports.Admin, reader: ports.Reader, keep_alive: Callable[[], None]) -> None:
    """Look for the batch's unanswered events with a receipt where they would be; what is found is not sent again.

    Where the topic cannot be read, or too much was written since, they become ``unknown`` and are not sent again.
    Raises ``ports.Unavailable`` when the cluster does not answer at all.
    """
    wanted: dict[TopicPartition, list[int]] = defaultdict(list)
    for place in batch.left():
        if batch.plan.rows[place].receipt:
            send = batch.plan.sends[place]
            wanted[TopicPartition(send.topic, send.partition)].append(place)
    if not wanted:
        return
    ends = admin.end_offsets(list(wanted))
    for partition, places in wanted.items():
        keep_alive()
        start, end = batch.targets.get(partition), ends.get(partition)
        try:
            if start is None or end is None or end - start > SCAN_RECORDS_MAX:
                raise ports.Unreadable(f"from {start} to {end}")
            _match(batch, places, reader.read(partition, start, end, deadline_s=SCAN_DEADLINE_S))
        except ports.Unreadable as error:
            log.warning("receipts_unknown", topic=partition.topic, partition=partition.partition, error=str(error))
            for place in places:
                if not batch.answered[place]:
                    batch.answered[place] = 1
                    batch.unknown.add(place)


_Sign = tuple[str, bytes]


def _match(batch: Batch, places: Iterable[int], records: Iterator[Record]) -> None:
    sought: dict[_Sign, deque[int]] = defaultdict(deque)
    for place in places:
        send = batch.plan.sends[place]
        sought[_sign(send.headers, send.key, send.value)].append(place)
    for record in records:
        waiting = sought.get(_sign(record.headers, record.key, record.value))
        if waiting:
            place = waiting.popleft()
            batch.answered[place] = 1
            batch.offsets[place] = record.offset


def _sign(headers: Iterable[Header], key: bytes | None, value: bytes | None) -> _Sign:
    """By what a record is known again: the replay's item, else the event's id, else (raw, no replay) all its bytes."""
    headers = list(headers)
    for name in (wire.REPLAY, wire.EVENT_ID):
        found = wire.last(headers, name)
        if found is not None:
            return name, found
    return "bytes", sha256_of(key=key, value=value, headers=headers)
