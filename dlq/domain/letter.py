"""A dead-letter record as a letter: failure, fingerprint, cause, and the texts that people search by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from dlq.domain import classify, dialects, fingerprint, stack
from dlq.domain.dialects import unknown
from dlq.domain.failure import Failure
from dlq.domain.stack import Frame
from reliability.kafka import incoming
from reliability.kernel import text, wire
from reliability.kernel.record import Record

KEY_TEXT_CHARS_MAX = 200
PARSE_ERROR_CHARS_MAX = 500
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_NO_TRACE = "0" * 32


class Letter(NamedTuple):
    """What is known of one dead letter besides its bytes; every text is fit for a text column.

    A named tuple for the same reason as its failure.
    """

    failure: Failure
    fingerprint: str
    frame: Frame | None
    cause: str
    key_text: str
    message_id: str
    trace_id: str
    replay: str
    """The ``run/item`` of the replay that sent the record which failed, "" when it was none."""
    parse_error: str


def read(record: Record) -> Letter:
    """Return the letter of a record; what its headers get wrong is in ``parse_error``."""
    values = dict(record.headers)
    return _letter(record, dialects.pick(values).read(values, record), values)


def unreadable(record: Record, *, error: str) -> Letter:
    """Return the letter of a record that broke a parser: nothing known but the parser's error."""
    plain = Record(
        topic=record.topic, partition=record.partition, offset=record.offset, key=record.key, value=record.value
    )
    return _letter(plain, unknown.read({}, record), {}, broken=error)


def _letter(record: Record, failure: Failure, values: Mapping[str, bytes | None], *, broken: str = "") -> Letter:
    # A trace is worth reading only once per flood; the frame of it is cached.
    frame = stack.first_own_frame(failure.error_stack) if failure.error_stack else None
    kind, message, topic = failure.error_type, failure.error_message, record.topic
    errors = (*((broken,) if broken else ()), *failure.errors)
    return Letter(
        failure=failure,
        fingerprint=fingerprint.fingerprint(
            group=failure.group, error_type=kind, frame=frame, message=message, topic=topic
        ),
        frame=frame,
        cause=classify.classify(error_type=kind, message=message, hint=failure.cause_hint),
        key_text=text.printable(record.key, limit=KEY_TEXT_CHARS_MAX),
        message_id=_message_id(record, failure, values),
        trace_id=_trace_id(values.get("traceparent")),
        replay=text.printable(values.get(wire.REPLAY), limit=KEY_TEXT_CHARS_MAX),
        parse_error=text.printable("; ".join(errors), limit=PARSE_ERROR_CHARS_MAX) if errors else "",
    )


def _message_id(record: Record, failure: Failure, values: Mapping[str, bytes | None]) -> str:
    """Return the id under which our consumers handle it once, by their own rule; its place here without an origin."""
    topic, partition, offset = record.topic, record.partition, record.offset
    if failure.origin_partition is not None and failure.origin_offset is not None and failure.origin_topic:
        topic, partition, offset = failure.origin_topic, failure.origin_partition, failure.origin_offset
    found = incoming.message_id(values, topic=topic, partition=partition, offset=offset)
    return text.printable(found, limit=incoming.MESSAGE_ID_CHARACTERS_MAX)


def _trace_id(traceparent: bytes | None) -> str:
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    found = match[1].decode() if match else ""
    return "" if found == _NO_TRACE else found
