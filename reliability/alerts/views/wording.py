"""How pages call incidents, messages and what happened."""

from __future__ import annotations

from typing import Final

from reliability.alerts.models import Delivery, Incident
from reliability.alerts.models.deliveries import State

EVENTS: Final = {
    "trigger": "it began",
    "worse": "it got worse",
    "acknowledge": "somebody looks after it",
    "reminder": "it still is so",
    "resolve": "it is over",
    "test": "a test",
}
HAPPENED: Final = {
    "opened": ("crit", "opened"),
    "joined": ("warn", "more of it"),
    "worse": ("crit", "got worse"),
    "acknowledged": ("prog", "acknowledged"),
    "muted": ("paused", "muted"),
    "unmuted": ("prog", "mute taken back"),
    "resolved": ("ok", "over"),
}
PHASES: Final = {"pending": "begins", "firing": "stands", "clearing": "going"}


def state_of(row: Incident, severity: str) -> tuple[str, str]:
    """Return shape and word of an incident."""
    if row.resolved_at is not None:
        return "ok", "Over"
    if row.is_muted:
        return "paused", "Muted"
    if row.acknowledged_at is not None:
        return "prog", "Looked after"
    return (severity, "Critical") if severity == "crit" else ("warn", "Warning")


def delivery_state(row: Delivery) -> tuple[str, str]:
    """Return shape and word of a message."""
    if row.state == State.SENT:
        return "ok", "Taken"
    if row.state == State.GIVEN_UP:
        return "crit", "Given up"
    return ("warn", "Not taken yet") if row.attempts else ("prog", "On its way")
