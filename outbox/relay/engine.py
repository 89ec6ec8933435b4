"""The relay: looks what has been committed, sends it, writes down that it was sent."""

from __future__ import annotations

import random as random_module
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from django.db import connection

from outbox.relay import guard, journal, leases, recovery
from outbox.relay.batch import Batch
from outbox.relay.preparing import Stretch, prepare
from outbox.relay.reading import Source
from outbox.relay.sending import DELIVERY_TIMEOUT_S, NotDelivered, Sender
from outbox.relay.shard import Shard
from outbox.relay.topics import Topics
from reliability import live
from reliability.kafka import ports
from reliability.kernel import backoff, clock, failpoint
from reliability.kernel.errors import Transient
from reliability.kernel.telemetry import tracing

log = structlog.get_logger(__name__)

STEP_S_MAX = 2.0  # after this a step returns, to be stopped or to look at other shards
BACKOFF_BASE_S = 0.2
BACKOFF_CAP_S = 10.0
GUARD_EVERY_S = 30.0
TELL_PAGES_EVERY_S = 0.5
LEASE_MARGIN_S = 1.0  # stop this long before the lease ends by our clock


class LeaseLost(Transient):
    """The leases could not be renewed in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kafka:
    """What the relay needs of a cluster."""

    producer: Callable[[], ports.Producer]
    admin: ports.Admin
    reader: ports.Reader


class Relay:
    """One relay. ``step`` does a bounded piece of work; whoever hosts it calls it again and again, on one thread."""

    def __init__(
        self,
        *,
        me: leases.Identity,
        outbox: str,
        kafka: Kafka,
        time: clock.Clock = clock.SYSTEM,
        random: Callable[[], float] = random_module.random,
    ) -> None:
        if DELIVERY_TIMEOUT_S + LEASE_MARGIN_S >= leases.LEASE_S:
            raise ValueError("a lease must outlive every delivery")
        self.me = me
        self.outbox = outbox
        self.stopping = threading.Event()
        self._kafka = kafka
        self._time = time
        self._random = random
        self._shards: dict[int, Shard] = {}
        self._source = Source(time=time)
        self._topics = Topics(kafka.admin, time=time)
        self._sender = Sender(kafka.producer, keep_alive=self._keep_leases, time=time)
        self._checked_s = self._kept_s = self._told_s = float("-inf")
        self._untold = False
        self._sent = 0

    def step(self) -> bool:
        """Send what there is, for at most some seconds; return whether it did anything.

        An error leaves nothing behind but what the database says: the shards are read from there again.
        """
        try:
            self._check_database()
            self._keep_leases()
            worked = self._work()
        except guard.Halted as halted:
            self._forget()
            log.warning("relay_halted", reason=str(halted))
            return False
        except BaseException:
            self._forget()
            raise
        if not worked:
            self._refresh_limits()
        self._tell_pages(worked)
        return worked

    def close(self) -> None:
        """Give back leases and connections. What is pending is finished by whoever takes the shard."""
        self._sender.discard()
        try:
            leases.leave(self.me, self._shards)
        finally:
            self._source.close()

    def facts(self) -> Mapping[str, object]:
        """Facts for the heartbeat."""
        waiting = sorted(shard.id for shard in self._shards.values() if shard.failures)
        return {"shards": sorted(self._shards), "failing": waiting, "sent": self._sent, "outbox": self.outbox}

    # --- one step

    def _work(self) -> bool:
        until_s = self._time.monotonic() + STEP_S_MAX
        worked = self._resume([shard for shard in self._due() if shard.busy])
        groups = self._groups()
        if not groups:
            return worked
        present = self._source.snapshot()
        for (snapshot, window_end, after_id), shards in groups.items():
            window = window_end or present
            if window != snapshot:  # if they are equal, no transaction has begun or ended since
                worked |= self._drain(shards, snapshot, window, after_id, until_s)
        return worked

    def _due(self) -> list[Shard]:
        now_s = self._time.monotonic()
        return [shard for shard in self._shards.values() if not shard.paused and shard.retry_at_s <= now_s]

    def _groups(self) -> dict[tuple[str, str, int], list[Shard]]:
        """Shards that stand at the same place are read with one query."""
        groups: dict[tuple[str, str, int], list[Shard]] = defaultdict(list)
        for shard in self._due():
            if not shard.busy:
                groups[shard.snapshot, shard.window_end, shard.after_id].append(shard)
        return groups

    def _drain(self, shards: list[Shard], a: str, b: str, after_id: int, until_s: float) -> bool:
        """Send the window (a, b] of these shards, or as much of it as there is time for; tell whether any was sent."""
        worked = False
        for rows, ended in self._source.batches(shards=[s.id for s in shards], a=a, b=b, after_id=after_id):
            if rows:
                after_id = rows[-1].id
                shards = self._send_rows(shards, Stretch(rows=rows, window_end=b, ended=ended))
                worked = worked or bool(shards)
            for shard in shards:
                shard.reached(window_end=b, last_id=after_id, ended=ended)
            if not shards or self.stopping.is_set() or self._time.monotonic() > until_s:
                break
            self._keep_leases()
        return worked

    def _send_rows(self, shards: Sequence[Shard], stretch: Stretch) -> list[Shard]:
        """Send rows; return the shards that may move on behind them. The others stay before them, or with them."""
        try:
            prepared = prepare(shards, stretch, topics=self._topics, admin=self._kafka.admin, outbox=self.outbox)
        except ports.Unavailable as error:
            self._wait_for(shards, error)
            return []
        for shard, error in prepared.waiting:
            self._wait_for([shard], error)
        if prepared.batches:
            self._begin(prepared.batches)
        waiting = {shard.id for shard, _ in prepared.waiting}
        return [s for s in shards if self._shards.get(s.id) is s and not s.busy and s.id not in waiting]

    def _begin(self, batches: list[Batch]) -> None:
        failpoint.reach("relay.before_begin")
        ours = journal.begin(batches)
        failpoint.reach("relay.after_begin")
        for batch in batches:
            if batch.shard.id in ours:
                batch.shard.batch = batch
                batch.shard.window_end = batch.window_end
                batch.shard.lanes |= batch.plan.closed
            else:
                self._drop(batch.shard)
        self._send([batch for batch in batches if batch.shard.id in ours])

    def _resume(self, shards: Sequence[Shard]) -> bool:
        """Go on with batches that were begun, by this relay or by one before it; tell whether there were any."""
        batches = []
        for shard in shards:
            try:
                if shard.batch is None:
                    shard.batch = recovery.rebuild(shard, self._source, outbox=self.outbox)
                    log.info("batch_recovered", shard=shard.id, events=len(shard.batch.answered))
                if shard.batch.begun:
                    recovery.search(
                        shard.batch,
                        admin=self._kafka.admin,
                        reader=self._kafka.reader,
                        keep_alive=self._keep_leases,
                    )
                failpoint.reach("relay.after_search")
            except Transient as error:
                self._wait_for([shard], error)
                continue
            shard.batch.failed.clear()
            batches.append(shard.batch)
        if batches:
            self._send(batches)
        return bool(batches)

    def _send(self, batches: Sequence[Batch]) -> None:
        attributes = {"mainstay.events": sum(len(batch.answered) for batch in batches)}
        with tracing.span("outbox relay", attributes=attributes):
            self._sender.send(batches)
        done = [batch for batch in batches if batch.complete]
        if done:
            self._finish(done)
        for batch in batches:
            if not batch.complete:
                error = next(iter(batch.failed.values()), None)
                reason = f"{error.code}: {error.message}" if error is not None else "no answer"
                self._wait_for([batch.shard], NotDelivered(reason))

    def _finish(self, batches: Sequence[Batch]) -> None:
        ours = journal.finish(batches)
        failpoint.reach("relay.after_finish")
        for batch in batches:
            shard = batch.shard
            if shard.id not in ours:
                log.warning("lease_lost", shard=shard.id, epoch=shard.epoch)
                self._drop(shard)
                continue
            self._sent += batch.sent
            shard.numbers = batch.numbering.state()
            shard.reached(window_end=batch.window_end, last_id=batch.last_id, ended=batch.ended)
            shard.batch = shard.pending = None
            shard.failures = 0

    # --- around it

    def _wait_for(self, shards: Sequence[Shard], error: Exception) -> None:
        """Let shards wait, longer after each failure; nothing of theirs is dropped."""
        for shard in shards:
            shard.failures += 1
            delay_s = backoff.delay_s(
                attempt=shard.failures, base_s=BACKOFF_BASE_S, cap_s=BACKOFF_CAP_S, random=self._random
            )
            shard.retry_at_s = self._time.monotonic() + delay_s
            journal.fail([shard], error=str(error), retry_in_s=delay_s)
            log.warning("shard_waits", shard=shard.id, failures=shard.failures, delay_s=delay_s, error=str(error))

    def _check_database(self) -> None:
        now_s = self._time.monotonic()
        if now_s - self._checked_s >= GUARD_EVERY_S:
            guard.check(outbox=self.outbox)
            self._checked_s = now_s

    def _keep_leases(self) -> None:
        """Renew the leases when it is time; raise ``LeaseLost`` when they have run out, as far as we know."""
        now_s = self._time.monotonic()
        if now_s - self._kept_s < leases.KEEP_EVERY_S:
            return
        if self._shards and now_s - self._kept_s > leases.LEASE_S - LEASE_MARGIN_S:
            raise LeaseLost
        before = set(self._shards)
        leases.keep(self.me, self._shards)
        self._kept_s = now_s
        if before != set(self._shards):
            log.info("shards_owned", shards=sorted(self._shards), before=sorted(before))

    def _drop(self, shard: Shard) -> None:
        """Forget a shard: it is another's, or its row is to be read anew."""
        if self._shards.get(shard.id) is shard:
            del self._shards[shard.id]

    def _forget(self) -> None:
        """After an error only the database is believed: everything is read from there again."""
        self._sender.discard()
        self._source.close()
        self._shards.clear()
        self._checked_s = self._kept_s = float("-inf")
        if not connection.in_atomic_block:
            connection.close()

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
