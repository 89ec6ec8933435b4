"""What is written down of a saga: its history is the truth, everything else follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Side(StrEnum):
    """Which of a step's two functions is meant."""

    DO = "do"
    UNDO = "undo"


class Kind(StrEnum):
    """What can be written into a history; the words are stored, so they never change."""

    STARTED = "started"
    ATTEMPTED = "attempted"  # the intent, before anything is done; local steps have none
    SUCCEEDED = "succeeded"
    RETRYING = "retrying"  # failed, and will be tried again
    FAILED = "failed"  # failed, and will not be tried again by itself
    UNKNOWN = "unknown"  # ended without an answer: it may have happened
    PROBED = "probed"
    LATE = "late"  # the answer of a try that had been given up
    AWAITED = "awaited"
    ARRIVED = "arrived"
    EXPIRED = "expired"
    TURNED = "turned"  # compensation began
    COMPLETED = "completed"
    COMPENSATED = "compensated"
    PARKED = "parked"  # it needs an operator
    # By a person:
    RETRIED = "retried"
    SKIPPED = "skipped"
    DECLARED = "declared"  # says what became of a try whose outcome was unknown
    RESUMED = "resumed"
    EDITED = "edited"
    RESOLVED = "resolved"
    TERMINATED = "terminated"


class Outcome(StrEnum):
    """How a try ended, as far as is known."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Why(StrEnum):
    """Why a try failed."""

    TRANSIENT = "transient"
    PERMANENT = "permanent"
    BUG = "bug"  # an error that the step does not declare
    TIMEOUT = "timeout"
    DIED = "died"  # its process ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One entry of a history. Its number is its place in it, from 1.

    ``at`` is the database's clock, for people: no rule depends on the order of two times. ``data`` holds plain values,
    by kind. ``actor`` is set when a person did it.
    """

    kind: Kind
    at: datetime
    step: str = ""
    side: Side = Side.DO
    attempt: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)
    actor: str = ""


def instant(value: object) -> datetime | None:
    """Return the time in an event's data, which holds it as text."""
    return datetime.fromisoformat(value) if isinstance(value, str) else None
