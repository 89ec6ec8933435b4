"""A message of the client as a `Record`."""

from __future__ import annotations

import operator
from typing import Any

import confluent_kafka

from reliability.kernel.record import Header, Record

# Not `message.headers()`: for a header name that is not UTF-8 the client returns a result and leaves an exception set,
# which Python 3.11 notices only for some kinds of call; of the others it surfaces later, at any other line.
_ask_headers = operator.methodcaller("headers")


def record(message: confluent_kafka.Message) -> Record:
    """Copy what the client read. Headers it cannot decode are left out, and the record says so."""
    headers, unreadable = _headers(message)
    kind, timestamp_ms = message.timestamp()
    return Record(
        topic=message.topic() or "",
        partition=_number(message.partition()),
        offset=_number(message.offset()),
        key=message.key(),
        value=message.value(),
        headers=headers,
        timestamp_ms=None if kind == confluent_kafka.TIMESTAMP_NOT_AVAILABLE else timestamp_ms,
        headers_unreadable=unreadable,
    )


def _headers(message: confluent_kafka.Message) -> tuple[tuple[Header, ...], bool]:
    try:
        headers: Any = _ask_headers(message)
    except SystemError as error:
        if not isinstance(error.__cause__, UnicodeDecodeError):
            raise
        return (), True  # a header name that is not UTF-8 costs us all headers of the record
    if not headers:
        return (), False
    return tuple(headers), False  # pairs of text and bytes or None, of every message that was read


def _number(value: int | None) -> int:
    return -1 if value is None else value
