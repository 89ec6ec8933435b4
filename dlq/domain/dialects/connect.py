"""Kafka Connect sink errors: ``__connect.errors.*``, all UTF-8 text, numbers in decimal.

Headers are appended on every failure, so the last is the newest. A sink connector consumes as group
``connect-<name>``. The record keeps its source's timestamp, which therefore says nothing about the failure's.
"""

from __future__ import annotations

from collections.abc import Mapping

from dlq.domain.dialects.reader import Reader
from dlq.domain.failure import Failure
from reliability.kernel.record import Record

NAME = "kafka-connect"
TITLE = "Kafka Connect"
STRIP_NAMES: frozenset[str] = frozenset()
STRIP_PREFIXES: tuple[str, ...] = ("__connect.errors.",)
NEWEST = "last"

_PREFIX = "__connect.errors."


def recognise(values: Mapping[str, bytes | None]) -> bool:
    """The reporter always writes the topic and the stage."""
    return _PREFIX + "topic" in values or _PREFIX + "stage" in values


def read(values: Mapping[str, bytes | None], record: Record) -> Failure:
    """Return the newest failure."""
    reader = Reader(values)
    return Failure(
        dialect=NAME,
        origin_topic=reader.name(_PREFIX + "topic"),
        origin_partition=reader.decimal_partition(_PREFIX + "partition"),
        origin_offset=reader.decimal(_PREFIX + "offset"),
        origin_timestamp_ms=record.timestamp_ms,
        group=reader.group(_PREFIX + "connector.name", prefix="connect-"),
        error_type=reader.type(_PREFIX + "exception.class.name"),
        error_message=reader.message(_PREFIX + "exception.message"),
        error_stack=reader.stack(_PREFIX + "exception.stacktrace"),
        # A record that a converter or a transformation refused has the wrong form, whatever the exception is called.
        cause_hint="format" if reader.name(_PREFIX + "stage").endswith(("CONVERTER", "TRANSFORMATION")) else "",
        errors=tuple(reader.errors),
    )
