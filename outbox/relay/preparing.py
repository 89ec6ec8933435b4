"""Turns rows that were read into batches, one per shard, ready to be begun."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field

from outbox.domain import planning
from outbox.domain.numbering import Numbering
from outbox.domain.planning import Row
from outbox.relay.batch import Batch
from outbox.relay.shard import Shard
from outbox.relay.topics import Topics, UnknownYet
from reliability.kafka import ports
from reliability.kernel.errors import Transient


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Rows of a window above ``after_id``, in order of id; ``ended``: the window's last."""

    rows: Sequence[Row]
    window_end: str
    ended: bool
    after_id: int

    @property
    def last_id(self) -> int:
        return self.rows[-1].id if self.rows else self.after_id


@dataclass(slots=True)
class Prepared:
    """Batches to begin, and shards that must wait, with the reason."""

    batches: list[Batch] = field(default_factory=list)
    waiting: list[tuple[list[Shard], Transient]] = field(default_factory=list)


def prepare(
    shards: Sequence[Shard],
    stretch: Stretch,
    *,
    topics: Topics,
    admin: ports.Admin,
    outbox: str,
    waiting: Set[str] = frozenset(),
) -> Prepared:
    """Plan each shard's rows; those of the topics ``waiting`` are put aside. When the cluster does not answer, all
    that have rows wait."""
    try:
        return _prepare(shards, stretch, topics=topics, admin=admin, outbox=outbox, waiting=waiting)
    except ports.Unavailable as error:
        held_up = {row.shard for row in stretch.rows}
        return Prepared(waiting=[([shard for shard in shards if shard.id in held_up], error)])


def _prepare(
    shards: Sequence[Shard],
    stretch: Stretch,
    *,
    topics: Topics,
    admin: ports.Admin,
    outbox: str,
    waiting: Set[str],
) -> Prepared:
    by_shard: dict[int, list[Row]] = {shard.id: [] for shard in shards}
    for row in stretch.rows:
        if row.shard in by_shard:
            by_shard[row.shard].append(row)
    prepared = Prepared()
    for shard in shards:
        rows = by_shard[shard.id]
        if not rows:
            continue
        numbering = Numbering(shard.numbers_ahead, outbox=outbox, shard=shard.id, epoch=shard.epoch)
        try:
            behind = waiting | shard.waiting
            plan = planning.plan(rows, topics=topics.facts(), numbering=numbering, lanes=shard.lanes, waiting=behind)
        except UnknownYet as error:
            topics.look_for({row.topic for row in rows})
            prepared.waiting.append(([shard], error))
            continue
        batch = Batch(
            shard=shard,
            window_end=stretch.window_end,
            first_id=rows[0].id,
            oldest_s=rows[0].created_s,
            last_id=stretch.last_id,
            ended=stretch.ended,
            plan=plan,
            numbering=numbering,
        )
        prepared.batches.append(batch)
    note_targets(prepared.batches, admin)
    return prepared


def note_targets(batches: Sequence[Batch], admin: ports.Admin) -> None:
    """Note where each partition ends that gets events with a receipt, so that they can be searched for from there."""
    wanted = {batch.shard.id: batch.wants_receipts() for batch in batches}
    asked = set().union(*wanted.values()) if wanted else set()
    if not asked:
        return
    ends = admin.end_offsets(asked)
    for batch in batches:
        batch.targets = {place: ends[place] for place in wanted[batch.shard.id] if place in ends}
