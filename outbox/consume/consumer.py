"""A service's consumer: the consume loop, put together from the inbox, the outbox and Kafka."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from django.db import connections

from outbox.consume.admission import InboxAdmission
from outbox.consume.incarnations import Incarnations
from outbox.consume.plan import TopicPlan
from outbox.consume.sink import OutboxSink
from outbox.consume.topics import Topics
from outbox.domain.message import Message
from reliability.breakers import BreakerOpen, waits_for
from reliability.breakers.guard.around import Breaker
from reliability.kafka import clusters, loop, ports, worker
from reliability.kafka.handling import Handling
from reliability.kafka.incoming import Incoming
from reliability.kafka.tries import HandlingPolicy
from reliability.kernel import clock, process
from reliability.kernel.record import Record

Order = Literal["per_key", "none"]
REFUSED_CAP_S = 1.0  # then the gate knows how it stands


class Consumer:
    """Hands each message of its topics to ``handler`` once, inside a transaction.

    What the handler writes to the database and appends to the outbox is committed with the note that the message is
    done, or not at all; what it does elsewhere may happen again after a crash. It says how it failed by raising
    ``Transient`` or ``Permanent``; what else it raises counts as a bug.

    ``order="per_key"``: a failed record is tried again in place, ``blocking_retries`` times, while its partition
    waits; then it is a dead letter, and later records of its key are handled without it. ``order="none"`` gives the
    order up: after the tries in place it goes through ``retries``, topics that delay it by so many seconds each.

    ``batch`` above 1 handles several messages in one transaction: much faster, and right only for a handler whose
    whole effect is in the database, because after a failure each of them is handled again, alone.

    ``breakers``: those that the handler calls through. While one of them is open, partitions are paused and nothing is
    tried; while it is half open, so many records try as there are permits; while it recovers, work takes the ramp's
    share of the time. ``BreakerOpen`` out of a handler is no try, whether the breaker is named here or not.
    """

    def __init__(
        self,
        *,
        group: str,
        topics: Sequence[str],
        handler: Callable[[Message], None],
        order: Order = "per_key",
        retries: Sequence[int] = (),
        blocking_retries: int = 2,
        batch: int = 1,
        deadline_s: float = 50.0,
        breakers: Sequence[str | Breaker] = (),
        cluster: str = clusters.MAIN,
        instance_id: str | None = None,
        time: clock.Clock = clock.SYSTEM,
    ) -> None:
        """``instance_id`` makes it a static member: a restart within the session time moves no partition.
        ``deadline_s``: a handler that takes longer is taken for hung, and its process ends."""
        if retries and order != "none":
            raise ValueError('retry topics let later records of a key overtake: say order="none", or leave them out')
        self.group = group
        self._cluster = cluster
        self._instance_id = instance_id
        self._time = time
        self._handler = handler
        self._waits = waits_for(*breakers)
        self._plan = TopicPlan(group, tuple(topics), tuple(retries))
        self._topics: Topics | None = None
        policy = HandlingPolicy(blocking_retries=blocking_retries, retries=tuple(retries))
        self._incarnations = Incarnations(group, lambda: clusters.admin(cluster), time=time)
        self._handling = Handling(
            group=group,
            handler=self._handle,
            admission=InboxAdmission(group),
            sink=OutboxSink(self._plan),
            policy=policy,
            tier_of=self._plan.place,
            time=time,
        )
        self._loop = loop.Loop(
            connect=self._connect,
            work=self._work,
            topics=self._plan.consumed,
            gate=self._waits,
            policy=loop.LoopPolicy(batch=batch, deadline_s=deadline_s),
            due_s=self._due_s,
            tell=loop.Listeners(assigned=self._incarnations.assigned),
            hands=worker.Thread(f"handler-{group}", at_exit=connections.close_all),
            time=time,
        )

    def run(self, stop: threading.Event, *, heartbeat: process.Heartbeat | None = None) -> None:
        """Consume until ``stop`` is set; then finish the message at hand, commit and leave the group."""
        try:
            process.run(
                self.step,
                name=f"consume:{self.group}",
                heartbeat=heartbeat or process.Silent(),
                stop=stop,
                facts=self.facts,
                time=self._time,
            )
        finally:
            self.close()

    def step(self) -> bool:
        """One round of the loop, for those who have a loop of their own; waits at most about half a second."""
        if self._topics is None:
            self._topics = Topics(self._plan, clusters.admin(self._cluster), time=self._time)
        self._topics.ensure()
        for topic in self._incarnations.recreated():
            self._loop.rewind(topic)
        return self._loop.step()

    def close(self) -> None:
        """Finish the message at hand, commit, leave the group."""
        self._loop.close()

    def facts(self) -> Mapping[str, object]:
        """What the heartbeat shows."""
        refused = self._topics.refused if self._topics is not None else {}
        return {**self._loop.facts(), **({"create_topics": "\n".join(refused.values())} if refused else {})}

    def _connect(self) -> ports.Consumer:
        return clusters.consumer(
            self._cluster, group=self.group, client_id=f"mainstay-{self.group}", instance_id=self._instance_id
        )

    def _work(self, records: Sequence[Record]) -> ports.Progress:
        self._incarnations.meet(records[0])
        try:
            with self._waits.admitted():
                return self._handling(records)
        except BreakerOpen as refused:  # before anything was tried; what is raised while a record is handled ends there
            return ports.Progress(done=0, wait_s=min(refused.retry_after_s, REFUSED_CAP_S), reason=str(refused))

    def _handle(self, incoming: Incoming) -> None:
        self._handler(
            Message(
                record=incoming.record,
                message_id=incoming.message_id,
                attempt=incoming.attempt,
                group=self.group,
                topic=self._plan.own_topic(incoming.record.topic),
            )
        )

    def _due_s(self, record: Record) -> float:
        return self._plan.due_s(record, now_ms=int(self._time.now().timestamp() * 1000))
