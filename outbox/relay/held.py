"""Topics that depend on a breaker: their events wait, written down in order, and go at the speed of its ramp."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

from outbox.domain import planning
from outbox.domain.numbering import Numbering
from outbox.relay.batch import Batch
from outbox.relay.preparing import Prepared, note_targets
from outbox.relay.reading import Source
from outbox.relay.shard import Shard
from outbox.relay.topics import Topics
from reliability.kafka import ports
from reliability.kafka.turnstile import Turnstile
from reliability.kernel import clock
from reliability.kernel.errors import Transient

ROWS_MAX = 500  # of a topic and shard at once: their ids are written down with the batch
TRY_EVERY_S = 1.0  # while a breaker is half open, so often one event goes: somebody may have to try with it


class Held:
    """The topics of one relay that wait for somebody. For one thread.

    While a topic waits, and as long as events of it wait in a shard, later ones of that shard go behind them.
    """

    def __init__(
        self, gates: Mapping[str, ports.Gate], *, topics: Topics, admin: ports.Admin, time: clock.Clock
    ) -> None:
        self._gates, self._topics, self._admin, self._time = dict(gates), topics, admin, time
        self._began_s = 0.0
        self._turnstiles: dict[str, Turnstile] = {}
        self._tried_s: dict[str, float] = {}
        self._served_s: dict[tuple[int, str], float] = {}

    def topics(self) -> set[str]:
        """Return the topics whose events may not all go now."""
        return {topic for topic, gate in self._gates.items() if not _is_free(gate.passage())}

    def reasons(self) -> dict[str, str]:
        """Return what the topics wait for, by topic; for the heartbeat."""
        passages = {topic: gate.passage() for topic, gate in self._gates.items()}
        return {topic: passage.reason for topic, passage in passages.items() if not _is_free(passage)}

    def prepare(self, shards: Sequence[Shard], *, source: Source, outbox: str) -> Prepared:
        """Plan what may go of that which waits: at most one batch for each shard, of the topic served longest ago."""
        self._began_s = self._time.monotonic()
        prepared, room = Prepared(), self._room({topic for shard in shards for topic in shard.waiting})
        for shard in shards:
            topic = min(shard.waiting & room.keys(), key=lambda each: self._served(shard, each), default=None)
            if topic is None:
                continue
            try:
                batch = _batch(shard, topic, room, source=source, facts=self._topics.facts(), outbox=outbox)
                if batch is not None:
                    note_targets([batch], self._admin)
            except Transient as error:
                prepared.waiting.append(([shard], error))
                continue
            if batch is None:
                shard.waiting.discard(topic)  # none are left
            else:
                self._served_s[shard.id, topic] = self._time.monotonic()
                prepared.batches.append(batch)
        return prepared

    def released(self, batches: Sequence[Batch]) -> None:
        """These, prepared last, were sent: a ramp's rest follows."""
        took_s = self._time.monotonic() - self._began_s
        for topic in {send.topic for batch in batches for send in batch.plan.sends}:
            self._turnstile(topic).spent(took_s)

    def _served(self, shard: Shard, topic: str) -> float:
        return self._served_s.get((shard.id, topic), float("-inf"))

    def _room(self, topics: set[str]) -> dict[str, int]:
        """How many events of each topic may go now, where any may."""
        found: dict[str, int] = {}
        for topic in topics:
            records = self._turnstile(topic).records()
            if 0 < records < sys.maxsize:
                records = self._tries(topic, records)
            if records:
                found[topic] = records
        return found

    def _tries(self, topic: str, records: int) -> int:
        now_s = self._time.monotonic()
        if now_s - self._tried_s.get(topic, float("-inf")) < TRY_EVERY_S:
            return 0
        self._tried_s[topic] = now_s
        return records

    def _turnstile(self, topic: str) -> Turnstile:
        made = self._turnstiles.get(topic)
        if made is None:
            gate = self._gates.get(topic, ports.ALWAYS_OPEN)  # what waited for one that is not named any more
            made = self._turnstiles[topic] = Turnstile(gate, time=self._time)
        return made


def _is_free(passage: ports.Passage) -> bool:
    return passage.share >= 1 and passage.records == sys.maxsize


def _batch(
    shard: Shard, topic: str, room: dict[str, int], *, source: Source, facts: planning.Topics, outbox: str
) -> Batch | None:
    """The next events of a topic that wait in a shard, less the room for it; None when none wait."""
    rows = source.waiting(shard=shard.id, topic=topic, limit=min(room[topic], ROWS_MAX))
    if not rows:
        return None
    if room[topic] < sys.maxsize:  # of all shards together
        room[topic] -= len(rows)
        if not room[topic]:
            del room[topic]
    numbering = Numbering(shard.numbers_ahead, outbox=outbox, shard=shard.id, epoch=shard.epoch)
    plan = planning.plan(rows, topics=facts, numbering=numbering, lanes=shard.lanes)
    return made(shard, [row.id for row in rows], plan, numbering, oldest_s=rows[0].created_s)


def made(shard: Shard, events: Sequence[int], plan: planning.Plan, numbering: Numbering, *, oldest_s: float) -> Batch:
    """Return a batch of events that waited: the shard's place stays where it is."""
    return Batch(
        shard=shard,
        window_end=shard.window_end,
        first_id=events[0],
        oldest_s=oldest_s,
        last_id=shard.after_id,
        ended=False,
        plan=plan,
        numbering=numbering,
        released=tuple(events),
    )
