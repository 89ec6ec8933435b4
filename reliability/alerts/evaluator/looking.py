"""Asks every room what needs a person, and the signals that rules name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Final

import structlog

from reliability import access
from reliability.alerts.domain.rule import severity_of
from reliability.alerts.domain.seen import Key, Look, Seen
from reliability.console import queries
from reliability.console.domain.conditions import Reading
from reliability.console.domain.values import Item
from reliability.console.registry import REGISTRY, Registry, Signal
from reliability.kernel import clock
from reliability.kernel.telemetry import metrics, names
from reliability.kernel.text import printable

log = structlog.get_logger(__name__)

OWN_ROOM: Final = "alerts"
"""What this room itself complains of is not told by the channels that it complains of."""
ID_CHARS_MAX: Final = 300
TITLE_CHARS_MAX: Final = 300
DETAIL_CHARS_MAX: Final = 1_000
URL_CHARS_MAX: Final = 2_000


def look(keys: Iterable[Key], *, time: clock.Clock = clock.SYSTEM, registry: Registry = REGISTRY) -> Look:
    """Return everything as it is now. A room that fails is named, and keeps none of the others from being asked."""
    at, actor = time.now(), access.system_actor("alerts")
    things: dict[str, Seen] = {}
    unread = set()
    for source, items in queries.attention_by_source(actor=actor, registry=registry):
        if items is None:
            unread.add(source)
            things[f"unread:{source}"] = _unread(source)
            continue
        things |= {seen.id: seen for item in items if (seen := _seen(source, item)) is not None}
    return Look(at=at, things=things, readings=_read(set(keys), registry.signals), unread=frozenset(unread))


def _seen(source: str, item: Item) -> Seen | None:
    severity = severity_of(item.status)
    if severity is None or item.room == OWN_ROOM:
        return None
    return Seen(
        id=printable(item.id, limit=ID_CHARS_MAX),
        source=source,
        room=item.room,
        severity=severity,
        title=printable(item.title, limit=TITLE_CHARS_MAX),
        detail=printable(item.detail, limit=DETAIL_CHARS_MAX),
        url=printable(item.url, limit=URL_CHARS_MAX),
        topics=tuple(printable(each, limit=ID_CHARS_MAX) for each in item.topics),
        since=item.since if item.since is None or item.since.tzinfo is not None else item.since.replace(tzinfo=UTC),
    )


def _unread(source: str) -> Seen:
    return Seen(
        id=f"unread:{source}",
        source="alerts",
        room="overview",
        severity="warn",
        title=f"{source} could not say what needs a person",
        detail="What it would tell of is not known. The log of the worker says why.",
        url="/",
    )


def _read(keys: set[Key], signals: Mapping[str, Signal]) -> dict[Key, Reading | None]:
    return {key: _asked(key, signals) for key in keys}


def _asked(key: Key, signals: Mapping[str, Signal]) -> Reading | None:
    name, subject = key
    if name not in signals:
        return None
    try:
        sample = signals[name].read(subject)
        if sample is None:
            return None
        topics = tuple(printable(each, limit=ID_CHARS_MAX) for each in sample.topics)
        return Reading(value=float(sample.value), at=sample.at, topics=topics)
    except Exception as error:  # noqa: BLE001 - a signal of another room must not keep the others from being looked at
        metrics.inc(names.ALERT_SIGNALS_FAILED)
        log.warning("alert_signal_failed", signal=f"{name} of {subject}", error=str(error))
        return None
