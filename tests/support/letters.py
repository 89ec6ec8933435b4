"""Dead-letter records and stored letters for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from dlq.operations import ingest
from reliability.kernel.record import Header, Record

NOW = datetime(2026, 11, 21, 10, 0, 30, tzinfo=UTC)
TOPIC = "orders.billing.dlq"


def headers(**changes: str | int) -> tuple[Header, ...]:
    """Headers of our own dialect; each keyword replaces one (``error_type="KeyError"``), "" leaves it out."""
    told: dict[str, str | int] = {
        "origin_topic": "orders",
        "origin_partition": 0,
        "origin_offset": 1,
        "group": "billing",
        "attempts": 3,
        "error_type": "shop.errors.PaymentTimeout",
        "error_message": "no answer for order 17",
        **changes,
    }
    pairs = ((f"mainstay-dlq-{name.replace('_', '-')}", str(value).encode()) for name, value in told.items())
    return tuple((name, value) for name, value in pairs if value)


def record(
    offset: int = 0,
    *,
    topic: str = TOPIC,
    partition: int = 0,
    key: bytes | None = b"order-17",
    value: bytes | None = b'{"order": 17}',
    extra: Sequence[Header] = (),
    told: Sequence[Header] | None = None,
    timestamp_ms: int | None = 1_795_000_000_000,
    **changes: str | int,
) -> Record:
    """A record of a dead-letter topic; ``told`` replaces all headers of its failure, ``extra`` follow them."""
    failure = headers(**{"origin_offset": offset, **changes}) if told is None else tuple(told)
    return Record(
        topic=topic,
        partition=partition,
        offset=offset,
        key=key,
        value=value,
        headers=(*failure, *extra),
        timestamp_ms=timestamp_ms,
    )


def store(
    *records: Record, now: datetime = NOW, topic_ids: Mapping[str, str] | None = None, cluster: str = "main"
) -> ingest.Stored:
    """Store records as letters; a topic's id is its name with ``id-`` before it unless given."""
    ids = topic_ids or {each.topic: f"id-{each.topic}" for each in records}
    return ingest.store(records, cluster=cluster, topic_ids=ids, now=now)
