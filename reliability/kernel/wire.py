"""The wire contract: header names, the names of retry and dead-letter topics, and headers packed into one column."""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterable
from functools import lru_cache

from reliability.kernel.record import Header

EVENT_ID = "mainstay-event-id"
NUMBER = "mainstay-number"  # outbox/shard/series/n
MESSAGE_ID = "mainstay-message-id"
ATTEMPT = "mainstay-attempt"  # from 1
REPLAY = "mainstay-replay"  # run/item
TARGET_GROUP = "mainstay-target-group"

DLQ_PREFIX = "mainstay-dlq-"
DLQ_ORIGIN_TOPIC = DLQ_PREFIX + "origin-topic"
DLQ_ORIGIN_PARTITION = DLQ_PREFIX + "origin-partition"
DLQ_ORIGIN_OFFSET = DLQ_PREFIX + "origin-offset"
DLQ_ORIGIN_TIMESTAMP = DLQ_PREFIX + "origin-timestamp"
DLQ_GROUP = DLQ_PREFIX + "group"
DLQ_ATTEMPTS = DLQ_PREFIX + "attempts"
DLQ_ERROR_TYPE = DLQ_PREFIX + "error-type"
DLQ_ERROR_MESSAGE = DLQ_PREFIX + "error-message"
DLQ_ERROR_STACK = DLQ_PREFIX + "error-stack"
DLQ_CAUSE = DLQ_PREFIX + "cause"
DLQ_FIRST_FAILED_AT = DLQ_PREFIX + "first-failed-at"
DLQ_FAILED_AT = DLQ_PREFIX + "failed-at"

ERROR_MESSAGE_BYTES_MAX = 4 * 1024
ERROR_STACK_BYTES_MAX = 32 * 1024

ACKNOWLEDGEMENTS_TOPIC = "mainstay.acknowledgements"
ACK_OUTCOME = "mainstay-outcome"  # done / retrying / gave up
ACK_GROUP = "mainstay-group"

TOPIC_NAME_MAX = 249  # Kafka's own limit
_NOT_IN_TOPIC_NAMES = re.compile(r"[^a-zA-Z0-9._-]")
_HASH_HEX_DIGITS = 6

_LENGTH = struct.Struct(">i")
_read_length = _LENGTH.unpack_from
_NULL_LENGTH = -1
_NULL = _LENGTH.pack(_NULL_LENGTH)
_USUAL_NAME_CHARS = 100


class BrokenHeaders(ValueError):
    """The packed headers are cut short or malformed."""


def pack_headers(headers: Iterable[Header]) -> bytes:
    """Return headers as one byte string: per header name length, name, value length (-1 for NULL), value.

    Lengths are 4-byte big-endian signed integers. Order, duplicates, empty and NULL values survive.
    """
    parts: list[bytes] = []
    for name, value in headers:
        parts.append(_usual_name(name) if len(name) <= _USUAL_NAME_CHARS else _packed_name(name))
        parts += (_NULL,) if value is None else (_LENGTH.pack(len(value)), value)
    return b"".join(parts)


def _packed_name(name: str) -> bytes:
    encoded = name.encode()
    return _LENGTH.pack(len(encoded)) + encoded


_usual_name = lru_cache(maxsize=4096)(_packed_name)
"""Of millions of headers there are a handful of names; hostile ones, which may be huge, are not kept."""


def unpack_headers(packed: bytes | memoryview) -> tuple[Header, ...]:
    """Return the headers that ``pack_headers`` packed; raise ``BrokenHeaders`` if the bytes are not its output."""
    data = bytes(packed)
    headers: list[Header] = []
    at, end = 0, len(data)
    try:
        while at < end:
            (size,) = _read_length(data, at)
            name_at = at + 4
            at = name_at + size
            (value_size,) = _read_length(data, at)
            at += 4
            if size < 0 or value_size < _NULL_LENGTH:
                raise BrokenHeaders("a negative length")
            if value_size == _NULL_LENGTH:
                headers.append((data[name_at : at - 4].decode(), None))
            else:
                headers.append((data[name_at : at - 4].decode(), data[at : at + value_size]))
                at += value_size
    except (struct.error, UnicodeDecodeError) as error:
        raise BrokenHeaders(str(error)) from error
    if at != end:
        raise BrokenHeaders("a length beyond the end")
    return tuple(headers)


def first(headers: Iterable[Header], name: str) -> bytes | None:
    """Return the value of the first header of that name, ``None`` when there is none or its value is NULL."""
    return next((value for header, value in headers if header == name), None)


def last(headers: Iterable[Header], name: str) -> bytes | None:
    """Return the value of the last header of that name, ``None`` when there is none or its value is NULL."""
    return first(reversed(tuple(headers)), name)


def retry_topic(topic: str, group: str, delay_s: int) -> str:
    """Return the name of the topic in which ``group`` lets records of ``topic`` wait ``delay_s`` seconds."""
    return _bounded(f"{topic}.{_escaped(group)}.retry.{delay_s}")


def dlq_topic(topic: str, group: str) -> str:
    """Return the name of the dead-letter topic of ``group`` for ``topic``."""
    return _bounded(f"{topic}.{_escaped(group)}.dlq")


def _escaped(group: str) -> str:
    """Return a group name fit for a topic name; two groups that differ stay different by a piece of their hash."""
    cleaned = _NOT_IN_TOPIC_NAMES.sub("_", group)
    return group if cleaned == group else f"{cleaned}-{_short_hash(group)}"


def _bounded(name: str) -> str:
    """Cut a name that is too long in its middle, keeping its ending, and mark it with a piece of its hash."""
    if len(name) <= TOPIC_NAME_MAX:
        return name
    ending = name[name.rfind(".retry.") :] if ".retry." in name else ".dlq"
    mark = f".{_short_hash(name)}{ending}"
    return name[: TOPIC_NAME_MAX - len(mark)] + mark


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_HASH_HEX_DIGITS]
