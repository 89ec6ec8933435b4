"""What a deployment may set about replays and discards, with its defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

QUARANTINE_AFTER = 3
CANARY_PATIENCE_S = 5.0
OUTCOME_DEADLINE_S = 24 * 3_600.0
DISCARD_UNDO_S = 24 * 3_600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsumerGroup:
    """What is declared of a consumer group. ``retry_total_s``: how long its own retries of one record take in all."""

    retry_total_s: float = 0.0
    commits_after_processing: bool = False


def quarantine_after() -> int:
    """After how many failed replays a letter is quarantined: then it is replayed only when asked for (loop guard)."""
    return int(getattr(settings, "DLQ_QUARANTINE_AFTER", QUARANTINE_AFTER))


def canary_patience_s() -> float:
    """How long a canary step waits for outcomes after its last receipt."""
    return float(getattr(settings, "DLQ_CANARY_PATIENCE_S", CANARY_PATIENCE_S))


def outcome_deadline_s() -> float:
    """How long after sending an item without an outcome becomes unknown."""
    return float(getattr(settings, "DLQ_OUTCOME_DEADLINE_S", OUTCOME_DEADLINE_S))


def discard_undo() -> timedelta:
    """For how long a discard can be undone."""
    return timedelta(seconds=float(getattr(settings, "DLQ_DISCARD_UNDO_S", DISCARD_UNDO_S)))


def consumer_group(name: str) -> ConsumerGroup:
    """What ``DLQ_CONSUMER_GROUPS`` (name -> {"retry_total_s": 300, "commits_after_processing": True}) declares."""
    declared: Mapping[str, Mapping[str, float | bool]] = getattr(settings, "DLQ_CONSUMER_GROUPS", {})
    of_group = declared.get(name, {})
    return ConsumerGroup(
        retry_total_s=float(of_group.get("retry_total_s", 0.0)),
        commits_after_processing=bool(of_group.get("commits_after_processing", False)),
    )
