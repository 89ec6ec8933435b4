"""An outbox for tests: emptied between them, relayed to a broker in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import count
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction

import outbox
from outbox import models, relay
from outbox.operations import limits
from reliability.kafka import ports
from reliability.kafka.memory import MemoryBroker
from reliability.kernel import clock, wire
from reliability.kernel.record import Record
from tests.support import database

_EMPTY = f"""
TRUNCATE {", ".join(database.OF_THE_OUTBOX)};
UPDATE outbox_setting SET name = '', shards = 16, halted_at = NULL, halt_reason = '',
    system_identifier = (SELECT system_identifier::text FROM pg_control_system()),
    timeline = left(pg_walfile_name(pg_current_wal_insert_lsn()), 8);
{"; ".join(database.SHARDS_ANEW)};
"""
_numbers = count(1)
_made: list[relay.Relay] = []


def empty() -> None:
    """Put the outbox's tables back to how the migration left them: a test that committed and had no flush left some."""
    with connection.cursor() as cursor:
        cursor.execute(_EMPTY)
    limits.forget()


def make_relay(
    broker: MemoryBroker,
    *,
    time: clock.Clock = clock.SYSTEM,
    producer: Callable[[], ports.Producer] | None = None,
    random: Callable[[], float] = lambda: 0.0,
    gates: Mapping[str, ports.Gate] | None = None,
) -> relay.Relay:
    """A relay with an identity of its own; without jitter it tries again at once."""
    started_at = datetime(2026, 1, 1, 0, 0, next(_numbers) % 60, next(_numbers), tzinfo=UTC)
    made = relay.Relay(
        me=relay.identity(hosting="process", started_at=started_at),
        outbox=settings.MAINSTAY_OUTBOX_NAME,
        kafka=relay.Kafka(producer=producer or broker.producer, admin=broker.admin(), reader=broker.reader()),
        time=time,
        random=random,
        gates=gates,
    )
    _made.append(made)
    return made


def close_relays() -> None:
    """Give back the connections of all relays that were made here; closing one twice does no harm."""
    while _made:
        _made.pop().close()


def append(*events: outbox.Event) -> list[UUID]:
    """Append in a transaction of its own."""
    with transaction.atomic():
        return outbox.append_many(events)


def drain(worker: relay.Relay, *, steps: int = 50) -> None:
    """Step until there is nothing to do."""
    for _ in range(steps):
        if not worker.step():
            return
    raise AssertionError(f"still at work after {steps} steps")


def values(broker: MemoryBroker, topic: str) -> list[bytes | None]:
    """The values in a topic, partition by partition."""
    return [record.value for record in broker.records(topic)]


def number(record: Record) -> str:
    """The number a record was sent under."""
    return (wire.last(record.headers, wire.NUMBER) or b"").decode()


def park(
    event: int,
    *,
    key: bytes | None,
    behind: bool = False,
    reason: str = "the topic is gone",
    topic: str = "orders.of.another.country.with.a.long.name",
) -> None:
    """Put a row among the parked events, as a relay does after a refusal."""
    models.Parked.objects.create(
        event=event,
        event_id=uuid4(),
        shard=event % 16,
        topic=topic,
        key=key,
        behind=behind,
        code="" if behind else "UNKNOWN_TOPIC_OR_PART",
        reason="" if behind else reason,
        parked_at=clock.SYSTEM.now(),
    )
