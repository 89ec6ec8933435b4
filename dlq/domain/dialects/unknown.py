"""A dead letter whose headers say nothing we know; its topic's name may still name the origin."""

from __future__ import annotations

from collections.abc import Mapping

from dlq.domain.dialects.reader import instant_of
from dlq.domain.failure import Failure
from reliability.kernel.record import Record

NAME = "unknown"
TITLE = "no known dialect"
STRIP_NAMES: frozenset[str] = frozenset()
STRIP_PREFIXES: tuple[str, ...] = ()
NEWEST = "last"

_ENDINGS = ("-dlt", ".dlt", "-dlq", ".dlq", "_dlq", "_dlt", "_error", "_skipped")
_BEGINNINGS = ("dead-letter-topic-", "dead-letter-", "dead_letter_", "dlq.", "dlq-", "dlt.")


def recognise(values: Mapping[str, bytes | None]) -> bool:
    """The last resort: every record is one."""
    return True


def read(values: Mapping[str, bytes | None], record: Record) -> Failure:
    """Return what the topic's name suggests, and say that it is a guess."""
    origin = origin_by_name(record.topic)
    return Failure(
        dialect=NAME,
        origin_topic=origin,
        failed_at=instant_of(record.timestamp_ms),
        notes=(f"the origin topic {origin} is guessed from the topic's name",) if origin else (),
    )


def origin_by_name(topic: str) -> str:
    """Return the topic that a dead-letter topic's name suggests, "" when it suggests none."""
    lowered = topic.lower()
    for ending in _ENDINGS:
        if lowered.endswith(ending) and len(topic) > len(ending):
            return topic[: -len(ending)]
    for beginning in _BEGINNINGS:
        if lowered.startswith(beginning) and len(topic) > len(beginning):
            return topic[len(beginning) :]
    return ""
