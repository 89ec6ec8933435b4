"""Spring Kafka, @RetryableTopic: ``kafka_original-*`` and ``retry_topic-*``, numbers as big-endian bytes.

Origins are written once, so they name the main topic. Timestamps of the retry chain are Java BigIntegers of minimal
length. The consumer group's header keeps the name it has without retry topics.
"""

from __future__ import annotations

from collections.abc import Mapping

from dlq.domain.dialects.reader import Reader, instant_of
from dlq.domain.dialects.spring_dlpr import read_exception
from dlq.domain.failure import Failure
from reliability.kernel.record import Record

NAME = "spring-retry"
TITLE = "Spring Kafka (@RetryableTopic)"
# All of the retry budget goes: with it the record would return to its dead-letter topic at once.
STRIP_NAMES: frozenset[str] = frozenset(
    {"retry_topic-attempts", "retry_topic-original-timestamp", "retry_topic-backoff-timestamp", "kafka_deliveryAttempt"}
)
STRIP_PREFIXES: tuple[str, ...] = (
    "kafka_original-",
    "kafka_exception-",
    "kafka_key-exception-",
    "kafka_dlt-",
    "springDeserializerException",
)
NEWEST = "last"

_ATTEMPTS = "retry_topic-attempts"
_TOPIC = "kafka_original-topic"
_EVIDENCE = frozenset({_ATTEMPTS, "retry_topic-original-timestamp", _TOPIC, "kafka_exception-fqcn"})


def recognise(values: Mapping[str, bytes | None]) -> bool:
    """The retry chain leaves its own headers, or the originals without ``dlt-``."""
    return not _EVIDENCE.isdisjoint(values)


def read(values: Mapping[str, bytes | None], record: Record) -> Failure:
    """Return the failure of the last attempt, with the origin of the first."""
    reader = Reader(values)
    error_type, message, stack = read_exception(reader, prefix="kafka_")
    origin_timestamp_ms = reader.int64("kafka_original-timestamp")
    first_timestamp_ms = reader.big_integer("retry_topic-original-timestamp")
    return Failure(
        dialect=NAME,
        origin_topic=reader.name(_TOPIC),
        origin_partition=reader.int32("kafka_original-partition"),
        origin_offset=reader.int64("kafka_original-offset"),
        origin_timestamp_ms=origin_timestamp_ms if origin_timestamp_ms is not None else first_timestamp_ms,
        group=reader.group("kafka_dlt-original-consumer-group"),
        attempt=reader.attempts(_ATTEMPTS, reader.small_int(_ATTEMPTS)),
        error_type=error_type,
        error_message=message,
        error_stack=stack,
        failed_at=instant_of(record.timestamp_ms),
        errors=tuple(reader.errors),
    )
