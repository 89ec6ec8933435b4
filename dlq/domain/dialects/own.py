"""Our own dead letters: ``mainstay-dlq-*``, UTF-8 text and decimal numbers."""

from __future__ import annotations

from collections.abc import Mapping

from dlq.domain.dialects.reader import Reader
from dlq.domain.failure import Failure
from reliability.kernel import wire
from reliability.kernel.record import Record

NAME = "mainstay"
TITLE = "Mainstay"
STRIP_NAMES: frozenset[str] = frozenset()
STRIP_PREFIXES: tuple[str, ...] = (wire.DLQ_PREFIX,)
NEWEST = "last"

LEFT_OUT = wire.DLQ_PREFIX + "left-out"  # on a letter too large to be written whole


def recognise(values: Mapping[str, bytes | None]) -> bool:
    """Every dead letter of ours names its group and the type of its error."""
    return wire.DLQ_GROUP in values or wire.DLQ_ERROR_TYPE in values or wire.DLQ_ORIGIN_TOPIC in values


def read(values: Mapping[str, bytes | None], record: Record) -> Failure:
    """Return the failure; see the wire contract in ``kernel/wire.py``."""
    reader = Reader(values)
    return Failure(
        dialect=NAME,
        origin_topic=reader.name(wire.DLQ_ORIGIN_TOPIC),
        origin_partition=reader.decimal_partition(wire.DLQ_ORIGIN_PARTITION),
        origin_offset=reader.decimal(wire.DLQ_ORIGIN_OFFSET),
        origin_timestamp_ms=reader.decimal(wire.DLQ_ORIGIN_TIMESTAMP),
        group=reader.group(wire.DLQ_GROUP),
        attempt=reader.attempts(wire.DLQ_ATTEMPTS, reader.decimal(wire.DLQ_ATTEMPTS)),
        error_type=reader.type(wire.DLQ_ERROR_TYPE),
        error_message=reader.message(wire.DLQ_ERROR_MESSAGE),
        error_stack=reader.stack(wire.DLQ_ERROR_STACK),
        cause_hint=reader.name(wire.DLQ_CAUSE),
        first_failed_at=reader.instant(wire.DLQ_FIRST_FAILED_AT),
        failed_at=reader.instant(wire.DLQ_FAILED_AT),
        left_out=reader.name(LEFT_OUT),
        errors=tuple(reader.errors),
    )
