"""A service on PostgreSQL and the broker in memory, and a hand that carries what the outbox holds to that broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from outbox.consume import Consumer, Message
from reliability.kafka import clusters
from reliability.kafka.memory import MemoryBroker
from reliability.kernel import wire
from reliability.kernel.clock import ManualClock
from reliability.kernel.record import Header, TopicPartition

PATIENCE_S = 15.0


@dataclass(frozen=True, kw_only=True)
class Appended:
    """One row of the outbox."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    raw: bool

    def first(self, name: str) -> bytes | None:
        return wire.first(self.headers, name)


@dataclass
class Shop:
    """Service `payments`, which handles `orders`."""

    broker: MemoryBroker = field(default_factory=clusters.memory_broker)
    consumers: list[Consumer] = field(default_factory=list)
    carried: int = 0

    def write(self, value: bytes | None = b"{}", *, key: bytes | None = b"k", headers: Sequence[Header] = ()) -> None:
        producer = self.broker.producer()
        producer.produce(topic="orders", key=key, value=value, headers=headers, partition=0, timestamp_ms=1_700_000)
        producer.close()

    def consumer(self, handler: Callable[[Message], None], **options: Any) -> Consumer:
        made = Consumer(group="payments", topics=["orders"], handler=handler, **options)
        self.consumers.append(made)
        return made

    def consume(self, consumer: Consumer, *, until: Callable[[], bool]) -> None:
        """Let it work until the condition holds and the group's position says so."""
        end = time.monotonic() + PATIENCE_S
        while not until():
            assert time.monotonic() < end, f"not within {PATIENCE_S} s: {consumer.facts()}"
            consumer.step()

    def position(self, topic: str = "orders", partition: int = 0) -> int:
        return self.broker.group("payments").committed.get(TopicPartition(topic, partition), 0)

    def appended(self) -> list[Appended]:
        """All rows of the outbox, in order."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT topic, key, value, headers, raw FROM outbox_event ORDER BY id")
            return [
                Appended(topic=topic, key=key, value=value, headers=wire.unpack_headers(headers), raw=raw)
                for topic, key, value, headers, raw in cursor.fetchall()
            ]

    def carry(self, time: ManualClock | None = None) -> None:
        """Send what was appended since the last time, as the relay does with raw events."""
        producer = self.broker.producer()
        rows = self.appended()
        for row in rows[self.carried :]:
            stamp = None if time is None else int(time.now().timestamp() * 1000)
            producer.produce(topic=row.topic, key=row.key, value=row.value, headers=row.headers, timestamp_ms=stamp)
        producer.close()
        self.carried = len(rows)

    def close(self) -> None:
        for consumer in self.consumers:
            consumer.close()
