"""The relay: looks what has been committed, sends it, writes down that it was sent."""

from __future__ import annotations

import gc
import random as random_module
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from outbox.relay import guard, journal, leases, recovery
from outbox.relay.batch import Batch
from outbox.relay.held import Held
from outbox.relay.holdings import LEASE_MARGIN_S, Holdings, Place
from outbox.relay.preparing import Prepared, Stretch, prepare
from outbox.relay.reading import Source
from outbox.relay.sending import DELIVERY_TIMEOUT_S, NotDelivered, Sender
from outbox.relay.shard import Shard
from outbox.relay.topics import Topics
from reliability import live
from reliability.kafka import ports
from reliability.kernel import clock, failpoint
from reliability.kernel.errors import Transient
from reliability.kernel.telemetry import metrics, names, tracing

log = structlog.get_logger(__name__)

STEP_S_MAX = 2.0  # after this a step returns, to be stopped or to look at other shards
TELL_PAGES_EVERY_S = 0.5
GC_THRESHOLD = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kafka:
    """What the relay needs of a cluster."""

    producer: Callable[[], ports.Producer]
    admin: ports.Admin
    reader: ports.Reader
    single: Callable[[], ports.Producer] | None = None
    """Makes a producer that goes on after a refusal, for records sent one at a time; see `sending.Sender`."""


class Relay:
    """One relay. ``step`` does a bounded piece of work; whoever hosts it calls it again and again, on one thread."""

    def __init__(
        self,
        *,
        me: leases.Identity,
        outbox: str,
        kafka: Kafka,
        gates: Mapping[str, ports.Gate] | None = None,
        time: clock.Clock = clock.SYSTEM,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        """``gates``: who says, by topic, whether its events may go; any other topic's always may."""
        if DELIVERY_TIMEOUT_S + LEASE_MARGIN_S >= leases.LEASE_S:
            raise ValueError("a lease must outlive every delivery")
        self.stopping = threading.Event()
        self.sent = 0
        self._kafka = kafka
        self._time = time
        self._holdings = Holdings(me=me, outbox=outbox, time=time, random=random)
        self._source = Source(time=time)
        self._topics = Topics(kafka.admin, time=time)
        self._sender = Sender(
            kafka.producer,
            make_single=kafka.single,
            topics=self._topics,
            keep_alive=self._holdings.keep,
            time=time,
        )
        self._held = Held(gates or {}, topics=self._topics, admin=kafka.admin, time=time)
        self._told_s = float("-inf")
        self._untold = self._halted = False

    def step(self) -> bool:
        """Send what there is, for at most some seconds; return whether it did anything.

        An error leaves nothing behind but what the database says: the shards are read from there again.
        """
        if self._holdings.outdated():
            log.warning("leases_outdated", effect="all shards are read anew")
            self._forget()
        try:
            self._holdings.check_database()
            self._holdings.keep()
            with _rare_collections():
                worked = self._work()
        except guard.Halted as halted:
            self._forget()
            if not self._halted:
                log.warning("relay_halted", reason=str(halted))
            self._halted = True
            return False
        except BaseException:
            self._forget()
            raise
        self._halted = False
        self._refresh_limits()
        self._tell_pages(worked)
        return worked

    def close(self) -> None:
        """Give back leases and connections. What is pending is finished by whoever takes the shard."""
        self._sender.discard()
        try:
            self._holdings.leave()
        finally:
            self._source.close()

    def facts(self) -> Mapping[str, object]:
        """Facts for the heartbeat."""
        shards = self._holdings.shards.values()
        waiting = sorted(shard.id for shard in shards if shard.failures)
        owned = sorted(shard.id for shard in shards)
        held = self._held.reasons()
        facts = {"shards": owned, "waiting": waiting, "sent": self.sent, "outbox": self._holdings.outbox}
        return {**facts, "held_topics": held} if held else facts

    # --- one step

    def _work(self) -> bool:
        until_s = self._time.monotonic() + STEP_S_MAX
        worked = self._resume([shard for shard in self._holdings.due() if shard.busy])
        worked |= self._release([s for s in self._holdings.due() if s.waiting and not s.busy])
        groups = self._holdings.by_place()
        if not groups:
            return worked
        present = self._source.snapshot()
        for place, shards in groups.items():
            if (place[1] or present) != place[0]:  # if they are equal, no transaction has begun or ended since
                worked |= self._drain(shards, place, present, until_s)
        return worked

    def _drain(self, shards: list[Shard], place: Place, present: str, until_s: float) -> bool:
        """Send the window of these shards, or as much as there is time for; tell whether anything was sent.

        While a batch is on its way, the next one is read and planned.
        """
        a, window_end, after_id = place
        b, flying, worked = window_end or present, list[Batch](), False
        for rows, ended in self._source.batches(shards=[s.id for s in shards], a=a, b=b, after_id=after_id):
            stretch = Stretch(rows=rows, window_end=b, ended=ended, after_id=after_id)
            prepared = prepare(
                shards,
                stretch,
                topics=self._topics,
                admin=self._kafka.admin,
                outbox=self._holdings.outbox,
                waiting=self._held.topics(),
            )
            self._land(flying)
            shards = self._going_on(shards, flying)
            flying, shards = self._begin(shards, prepared)
            for shard in shards:
                if not shard.busy:
                    shard.reached(window_end=b, last_id=stretch.last_id, ended=ended)
            worked |= bool(flying)
            after_id = stretch.last_id
            if not shards or self.stopping.is_set() or self._time.monotonic() > until_s:
                break
            self._holdings.keep()
        self._land(flying)
        return worked

    def _going_on(self, shards: Sequence[Shard], landed: Sequence[Batch]) -> list[Shard]:
        """The shards that are still ours and free; without those whose plans came too late to know of a parked key."""
        surprised = {batch.shard.id for batch in landed if batch.closed}
        return [s for s in shards if self._holdings.owns(s) and not s.busy and s.id not in surprised]

    def _begin(self, shards: list[Shard], prepared: Prepared) -> tuple[list[Batch], list[Shard]]:
        """Write batches down and hand them to Kafka; return them, and the shards that may move on behind them."""
        for waiting, error in prepared.waiting:
            held_up = [shard for shard in waiting if shard in shards]
            self._holdings.postpone(held_up, error)
            shards = [shard for shard in shards if shard not in held_up]
        batches = [batch for batch in prepared.batches if batch.shard in shards]
        if not batches:
            return [], shards
        failpoint.reach("relay.before_begin")
        ours = journal.begin(batches)
        failpoint.reach("relay.after_begin")
        for batch in batches:
            if batch.shard.id in ours:
                batch.shard.began(batch)
            else:
                self._holdings.drop(batch.shard)
                shards.remove(batch.shard)
        begun = [batch for batch in batches if batch.shard.id in ours]
        self._sender.produce(begun)
        return begun, shards

    def _release(self, shards: list[Shard]) -> bool:
        """Send what waited for a breaker, as much of it as may go now; tell whether anything was sent."""
        if not shards:
            return False
        prepared = self._held.prepare(shards, source=self._source, outbox=self._holdings.outbox)
        batches, _ = self._begin(shards, prepared)
        self._land(batches)
        self._held.released(batches)
        return bool(batches)

    def _resume(self, shards: Sequence[Shard]) -> bool:
        """Go on with batches that were begun, by this relay or by one before it; tell whether there were any."""
        batches = []
        for shard in shards:
            try:
                batches.append(self._found_again(shard))
            except Transient as error:
                self._holdings.postpone([shard], error)
        self._sender.produce(batches)
        self._land(batches)
        return bool(batches)

    def _found_again(self, shard: Shard) -> Batch:
        batch = shard.batch
        if batch is None:
            batch = shard.batch = recovery.rebuild(shard, self._source, outbox=self._holdings.outbox)
            log.info("batch_recovered", shard=shard.id, events=len(batch.answered))
        if batch.unfinished:  # each record of it that was sent has its answer
            return batch
        batch.failed.clear()
        recovery.search(batch, admin=self._kafka.admin, reader=self._kafka.reader, keep_alive=self._holdings.keep)
        failpoint.reach("relay.after_search")
        return batch

    def _land(self, batches: Sequence[Batch]) -> None:
        """Wait for Kafka's answers and write down what became of the batches."""
        if not batches:
            return
        with tracing.span("outbox relay", attributes={"mainstay.events": sum(len(b.answered) for b in batches)}):
            self._sender.settle(batches)
        done = [batch for batch in batches if batch.complete]
        if done:
            self._finish(done)
        for batch in batches:
            if not batch.complete and not batch.unfinished:
                error = next(iter(batch.failed.values()), None)
                reason = f"{error.code}: {error.message}" if error is not None else "no answer"
                self._holdings.postpone([batch.shard], NotDelivered(reason))

    def _finish(self, batches: Sequence[Batch]) -> None:
        ours = journal.finish(batches)
        failpoint.reach("relay.after_finish")
        for batch in batches:
            if batch.shard.id in ours:
                self._count(batch)
                batch.shard.finished(batch)
            else:
                log.warning("lease_lost", shard=batch.shard.id, epoch=batch.shard.epoch)
                self._holdings.drop(batch.shard)

    # --- around it

    def _count(self, batch: Batch) -> None:
        self.sent += batch.sent
        metrics.inc(names.OUTBOX_SENT, batch.sent, shard=str(batch.shard.id))
        metrics.observe(names.OUTBOX_BATCH, batch.sent)
        if batch.plan.rows:
            metrics.observe(names.OUTBOX_DELAY, max(0.0, self._time.now().timestamp() - batch.oldest_s))
        for parked in (*batch.plan.parks, *batch.late_parks):
            metrics.inc(names.OUTBOX_FAILED, reason=parked.code)

    def _forget(self) -> None:
        self._sender.discard()
        self._source.close()
        self._holdings.forget()

    def _refresh_limits(self) -> None:
        try:
            self._topics.refresh()
        except Transient as error:
            log.info("topic_limits_not_refreshed", error=str(error))

    def _tell_pages(self, worked: bool) -> None:
        self._untold |= worked
        now_s = self._time.monotonic()
        if self._untold and now_s - self._told_s >= TELL_PAGES_EVERY_S:
            self._told_s, self._untold = now_s, False
            live.changed("outbox")


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Let Python's collector look rarely: a batch is a hundred thousand small objects that live and die together,
    without cycles, and to look through them again and again took a third of the time (measured).
    """
    before = gc.get_threshold()
    gc.set_threshold(GC_THRESHOLD, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
