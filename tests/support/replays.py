"""Replays in tests: letters of a topic, a plan approved, and a relay of a few lines on the memory broker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from dlq.domain.scope import Scope
from dlq.models import Letter, Replay, ReplayItem
from dlq.operations import outcomes, plans, replays
from outbox.domain.event import sha256_of
from outbox.models import Event, Receipt
from reliability.access import Actor
from reliability.kafka import clusters
from reliability.kafka.ports import Delivery
from reliability.kernel import wire
from tests.support import letters as letter_support
from tests.support.actors import actor

TOPIC = "orders"
GROUP = "billing"


@dataclass
class World:
    """A clock, an operator, and Kafka in memory with the origin topic and its dead-letter topic."""

    now: datetime = letter_support.NOW
    operator: Actor = field(default_factory=actor)

    def __post_init__(self) -> None:
        self.create(TOPIC, partitions=4)
        self.create(letter_support.TOPIC, partitions=1)

    def create(self, topic: str, *, partitions: int) -> None:
        clusters.admin().create_topics({topic: partitions})

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def letters(self, count: int, *, start: int = 0, **changes: Any) -> list[Letter]:
        """Store letters of records 0.. of the origin topic, spread over keys."""
        records = [
            letter_support.record(at, key=changes.pop("key", None) or b"k%d" % (at % 7), **changes)
            for at in range(start, start + count)
        ]
        letter_support.store(*records, now=self.now)
        return list(Letter.objects.order_by("-pk")[:count])[::-1]

    def approve(self, *letters: Letter, rate: float = 500, by: Actor | None = None, **terms: Any) -> Replay:
        """Plan these letters and approve at once."""
        who = by or self.operator
        scope = Scope(ids=tuple(letter.pk for letter in letters))
        plan = plans.draw(scope=scope, terms=plans.terms(rate=rate, **terms), actor=who, now=self.now)
        approval = replays.approve(plan_id=plan.pk, plan_hash=plan.hash, reason="fixed", actor=who, now=self.now)
        return approval.replay

    def feed(self, run: Replay) -> int:
        """Feed once, now."""
        return replays.feed(replay_id=run.pk, now=self.now)

    def relay(self, *, refuse: Sequence[str] = (), lose: bool = False) -> int:
        """Send what waits in the outbox to the memory broker and write receipts; return how many."""
        producer = clusters.producer(client_id="test")
        waiting = Event.objects.filter(receipt=True).exclude(event_id__in=Receipt.objects.values("event_id"))
        sent = 0
        for event in waiting.order_by("id"):
            if event.topic in refuse:
                self._receipt(event, state="refused", error="UNKNOWN_TOPIC: it is gone")
            elif lose:
                self._receipt(event, state="unknown")
            else:
                self._send(producer, event)
            sent += 1
        producer.flush(5)
        return sent

    def send_all(self, run: Replay, *, looks: int = 50) -> None:
        """Feed, relay and take receipts until nothing of the run is planned or queued."""
        for _ in range(looks):
            self.advance(6)
            self.feed(run)
            self.relay()
            outcomes.take_receipts(now=self.now)
            if not ReplayItem.objects.filter(replay=run, state__in=["planned", "queued"]).exists():
                return
        raise AssertionError("the run never sent everything")

    def send_some(self, run: Replay, count: int) -> None:
        """Feed, relay and take receipts until ``count`` items of the run are sent."""
        while ReplayItem.objects.filter(replay=run, state="sent").count() < count:
            self.advance(6)
            self.feed(run)
            self.relay()
            outcomes.take_receipts(now=self.now)

    def _send(self, producer: Any, event: Event) -> None:
        def delivered(delivery: Delivery) -> None:
            assert delivery.error is None
            self._receipt(event, state="sent", partition=delivery.partition, offset=delivery.offset)

        producer.produce(
            topic=event.topic,
            key=None if event.key is None else bytes(event.key),
            value=None if event.value is None else bytes(event.value),
            headers=wire.unpack_headers(event.headers),
            partition=event.partition,
            timestamp_ms=event.timestamp_ms,
            on_delivery=delivered,
        )

    def _receipt(
        self, event: Event, *, state: str, partition: int | None = None, offset: int | None = None, error: str = ""
    ) -> None:
        digest = sha256_of(key=event.key, value=event.value, headers=wire.unpack_headers(event.headers))
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO outbox_receipt VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                [event.event_id, event.topic, partition, offset, digest, state, error, self.now],
            )


def states(run: Replay) -> dict[str, int]:
    """Count a run's items by state, from the items."""
    found: dict[str, int] = {}
    for state in ReplayItem.objects.filter(replay=run).values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def counted(run: Replay) -> dict[str, int]:
    """What the run itself says, without zeros."""
    run.refresh_from_db()
    return {name: count for name, count in run.counts.items() if count and name not in ("refused", "groupless")}
