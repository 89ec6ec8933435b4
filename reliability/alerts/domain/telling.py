"""What has to be told of an incident: each thing once, nothing while it is muted, its end to whoever heard of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from reliability.alerts.domain.rule import Severity, worse


class Event(StrEnum):
    """What a message says."""

    TRIGGER = "trigger"
    WORSE = "worse"
    ACKNOWLEDGE = "acknowledge"
    REMINDER = "reminder"
    RESOLVE = "resolve"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An incident as it is, and what was told of it. ``told``: the severity that was told, "" when nothing was."""

    is_open: bool
    severity: Severity
    is_acknowledged: bool = False
    is_muted: bool = False
    told: Severity | Literal[""] = ""
    acknowledgement_told: bool = False
    last_told_at: datetime | None = None
    remind_after_s: float = 0.0


def due(incident: Told, *, now: datetime) -> Event | None:
    """Return what is to be told now, None for nothing.

    A mute keeps beginnings and reminders back, never an end or an acknowledgement of what was told: who was woken
    hears that it is over. What came and went during a mute is not told at all.
    """
    if not incident.told:
        return Event.TRIGGER if incident.is_open and not incident.is_muted else None
    if not incident.is_open:
        return Event.RESOLVE
    if incident.is_acknowledged and not incident.acknowledgement_told:
        return Event.ACKNOWLEDGE
    if incident.is_muted:
        return None
    if worse(incident.told, incident.severity):
        return Event.WORSE
    return Event.REMINDER if _is_late(incident, now) else None


def _is_late(incident: Told, now: datetime) -> bool:
    if incident.is_acknowledged or not incident.remind_after_s or incident.last_told_at is None:
        return False
    return now - incident.last_told_at >= timedelta(seconds=incident.remind_after_s)
