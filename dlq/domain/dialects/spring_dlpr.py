"""Spring Kafka, DeadLetterPublishingRecoverer: ``kafka_dlt-*``, numbers as big-endian bytes.

Origins are appended on every pass, so the last is the newest. The exception's own class is usually a wrapper; the
useful one is the cause. ``springDeserializerException*`` holds a serialised Java object, which is never opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dlq.domain.dialects.reader import Reader, instant_of
from dlq.domain.failure import Failure
from reliability.kernel.record import Header, Record

NAME = "spring-dlpr"
TITLE = "Spring Kafka (DeadLetterPublishingRecoverer)"
STRIP_NAMES: frozenset[str] = frozenset({"kafka_deliveryAttempt"})
STRIP_PREFIXES: tuple[str, ...] = ("kafka_dlt-", "springDeserializerException")
NEWEST = "last"

_PREFIX = "kafka_dlt-"
_TOPIC = _PREFIX + "original-topic"
_DELIVERY = "kafka_deliveryAttempt"
_GROUP = _PREFIX + "original-consumer-group"
_EVIDENCE = frozenset(
    {_TOPIC, _PREFIX + "original-offset", _PREFIX + "exception-fqcn", _PREFIX + "key-exception-fqcn"}
    | {_PREFIX + "exception-message", _PREFIX + "exception-stacktrace", _PREFIX + "exception-cause-fqcn"}
)


def recognise(values: Mapping[str, bytes | None]) -> bool:
    """Each header can be switched off, so any of them is evidence; the group alone is not: RetryTopic has it too."""
    return not _EVIDENCE.isdisjoint(values)


def read(values: Mapping[str, bytes | None], record: Record) -> Failure:
    """Return the newest failure."""
    reader = Reader(values)
    error_type, message, stack = read_exception(reader, prefix=_PREFIX)
    return Failure(
        dialect=NAME,
        origin_topic=reader.name(_TOPIC),
        origin_partition=reader.int32(_PREFIX + "original-partition"),
        origin_offset=reader.int64(_PREFIX + "original-offset"),
        origin_timestamp_ms=reader.int64(_PREFIX + "original-timestamp"),
        group=reader.group(_GROUP),
        attempt=reader.attempts(_DELIVERY, reader.int32(_DELIVERY)),
        error_type=error_type,
        error_message=message,
        error_stack=stack,
        # The recoverer does not copy the record's timestamp: the dead letter's own is when it was given up.
        failed_at=instant_of(record.timestamp_ms),
        notes=_earlier_origin(record.headers) if len(record.headers) > len(values) else (),
        errors=tuple(reader.errors),
    )


def read_exception(reader: Reader, *, prefix: str) -> tuple[str, str, str]:
    """Return type, message and stack; those of the key's deserialisation when the value's say nothing."""
    for part in ("exception-", "key-exception-"):
        start = prefix + part
        error_type = reader.type(start + "cause-fqcn") or reader.type(start + "fqcn")
        found = error_type, reader.message(start + "message"), reader.stack(start + "stacktrace")
        if any(found):
            return found
    return "", "", ""


def _earlier_origin(headers: Sequence[Header]) -> tuple[str, ...]:
    passes = sum(1 for name, _ in headers if name == _TOPIC)
    return (f"failed {passes} times on its way: the newest origin is shown",) if passes > 1 else ()
