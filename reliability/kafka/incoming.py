"""A record as our own consumers see it: its identity, its attempt and where it first came from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from reliability.kernel import wire
from reliability.kernel.record import Record, TopicPartition

CLOUDEVENTS_ID = "ce_id"
CLOUDEVENTS_SOURCE = "ce_source"
MESSAGE_ID_CHARACTERS_MAX = 512
ATTEMPT_MAX = 1_000_000
_NUMBER_DIGITS_MAX = 19  # of a 64-bit offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The record at which the story began: the one that first failed, or this one."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A record with what its headers say about it."""

    record: Record
    message_id: str
    attempt: int
    """From 1: the number of the try that this delivery begins with; those before were made on earlier ones."""
    origin: Origin
    target_group: str | None
    """The only group that shall handle it; None = everybody."""
    first_failed_ms: int | None
    """When it failed first, as that failure wrote it; milliseconds since 1970."""

    @property
    def partition(self) -> TopicPartition:
        return self.record.topic_partition


def incoming(record: Record, *, from_retry: bool = False) -> Incoming:
    """Read a record's headers. Never fails: what cannot be read counts as not there.

    `from_retry`: the record comes from a retry topic of ours, so the origin and the first failure that it names are
    our own words. Anywhere else those headers may be anybody's, and the record is its own origin.
    """
    origin = _told_origin(record) if from_retry else None
    origin = origin or Origin(
        topic=record.topic, partition=record.partition, offset=record.offset, timestamp_ms=record.timestamp_ms
    )
    target = wire.last(record.headers, wire.TARGET_GROUP)
    first_failed = wire.last(record.headers, wire.DLQ_FIRST_FAILED_AT) if from_retry else None
    return Incoming(
        record=record,
        message_id=message_id(
            dict(record.headers), topic=origin.topic, partition=origin.partition, offset=origin.offset
        ),
        attempt=min(_number(wire.last(record.headers, wire.ATTEMPT)) or 1, ATTEMPT_MAX),
        origin=origin,
        target_group=None if target is None else _text(target),
        first_failed_ms=_number(first_failed),
    )


def message_id(values: Mapping[str, bytes | None], *, topic: str, partition: int, offset: int) -> str:
    """The id under which a message is handled once, whatever topic brings it.

    Its own id header, else our outbox's event id, else the CloudEvents source and id, which name an event together,
    else the coordinates of its first origin.
    An id that is too long is replaced by its hash. ``values`` holds the last value of each header's name: of several
    headers of one name, the last counts.
    """
    value = values.get(wire.MESSAGE_ID) or values.get(wire.EVENT_ID) or _cloudevents_id(values)
    if not value:
        return f"{topic}/{partition}/{offset}"
    text = _text(value)
    return text if len(text) <= MESSAGE_ID_CHARACTERS_MAX else f"sha256:{hashlib.sha256(value).hexdigest()}"


def _cloudevents_id(values: Mapping[str, bytes | None]) -> bytes | None:
    name, source = values.get(CLOUDEVENTS_ID), values.get(CLOUDEVENTS_SOURCE)
    # A source is a URI, which has no space; should it have one all the same, it must not look like another's id.
    return b"%b %b" % (source.replace(b" ", b"%20"), name) if name and source else name


def _told_origin(record: Record) -> Origin | None:
    topic = wire.last(record.headers, wire.DLQ_ORIGIN_TOPIC)
    partition = _number(wire.last(record.headers, wire.DLQ_ORIGIN_PARTITION))
    offset = _number(wire.last(record.headers, wire.DLQ_ORIGIN_OFFSET))
    if not topic or partition is None or offset is None:
        return None
    return Origin(
        topic=_text(topic)[: wire.TOPIC_NAME_MAX],
        partition=partition,
        offset=offset,
        timestamp_ms=_number(wire.last(record.headers, wire.DLQ_ORIGIN_TIMESTAMP)),
    )


def _text(value: bytes) -> str:
    return value.decode(errors="backslashreplace")


def _number(value: bytes | None) -> int | None:
    if value is None or not value.isdigit() or len(value) > _NUMBER_DIGITS_MAX:
        return None
    return int(value)
