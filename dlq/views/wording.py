"""Targets, places and states in words."""

from __future__ import annotations

from collections.abc import Mapping

from dlq.domain import masking, payload
from dlq.domain.plan import Kind
from dlq.models import Letter, ReplayItem
from dlq.models.letters import State
from reliability.console import related

FAILURE_CHARS_MAX = 200
LETTER_WORDS: dict[str, tuple[str, str]] = {
    State.OPEN: ("crit", "Dead"),
    State.REPLAYING: ("prog", "Replaying"),
    State.RESOLVED: ("ok", "Resolved"),
    State.DISCARDED: ("paused", "Discarded"),
    State.QUARANTINED: ("warn", "Quarantined"),
}


def target(value: Mapping[str, str]) -> str:
    """Where a stored target leads."""
    kind = value.get("kind")
    if kind == Kind.TOPIC:
        return f"topic {value.get('topic', '')}"
    if kind == Kind.GROUP:
        return "the topic each came from, only for the group that failed"
    return "the topic each came from"


def place(topic: str, partition: int | None, offset: int | None) -> str:
    """A record's coordinates: "orders/3@551907"."""
    said = topic if partition is None else f"{topic}/{partition}"
    return said if offset is None else f"{said}@{offset}"


def error_of(item: ReplayItem, *, mask: bool) -> str:
    """What an item failed with; "" when it did not."""
    return masking.masked_text(item.error) if mask else item.error


def failure(letter: Letter, *, mask: bool) -> str:
    """What a letter died of, in one line; "" when its headers name nothing."""
    message = masking.masked_text(letter.error_message) if mask else letter.error_message
    kind = letter.error_type.rpartition(".")[2] or letter.error_type
    said = ": ".join(part for part in (kind, message.partition("\n")[0]) if part)
    return said if len(said) <= FAILURE_CHARS_MAX else f"{said[: FAILURE_CHARS_MAX - 1]}…"


def origin(letter: Letter) -> str:
    """Where the record failed, else where it lies dead."""
    known = place(letter.origin_topic, letter.origin_partition, letter.origin_offset)
    return known or place(letter.topic, letter.partition, letter.offset)


def name(letter: Letter) -> str:
    """What a letter is called in a list: its key, else where it lies."""
    return letter.key_text or place(letter.topic, letter.partition, letter.offset)


def everything(letter: Letter, *, mask: bool) -> str:
    """Return the address of all that is known of what a letter's key names; "" without a key, or where it is masked."""
    hidden = mask and payload.masked(letter.key_text) != letter.key_text
    return "" if hidden else related.url("order", letter.key_text)
