"""What one look at everything found, before any rule was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from reliability.alerts.domain.rule import Severity
from reliability.console.domain.conditions import Reading

Key = tuple[str, str]
"""A signal's name and what it is of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One thing that needs a person, as its room tells of it. ``source`` is who told."""

    id: str
    source: str
    room: str
    severity: Severity
    title: str
    detail: str = ""
    url: str = ""
    topics: tuple[str, ...] = ()
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Everything at ``at``: things by id, readings of signals (None: nothing known), sources that did not answer."""

    at: datetime
    things: Mapping[str, Seen]
    readings: Mapping[Key, Reading | None]
    unread: frozenset[str] = frozenset()
