"""What is told of rules, and of what they would take, as JSON; the command line prints the same."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from ninja import Field, Schema

from reliability.alerts.domain import packing, sentences
from reliability.alerts.domain.rule import SEVERITIES
from reliability.alerts.evaluator.preview import Heard, Preview, Taken
from reliability.alerts.models import Rule
from reliability.console.domain.conditions import Look, WrongRule

PREVIEW_THINGS_MAX = 200


class AlertRule(Schema):
    """A rule as it was saved. `unknown`: why its signal cannot be told at the moment. `problem`: why this version of
    the console cannot read it, and does not look at it."""

    name: str
    on: bool
    version: int
    sentence: str
    rule: dict[str, Any]
    bad: bool = Field(description="Its condition is met; always false for rules on things.")
    unknown: str
    problem: str
    saved_by: str
    saved_at: datetime
    reason: str


class AlertRules(Schema):
    """Every rule."""

    items: list[AlertRule]
    next: None = None


class AlertPreviewThing(Schema):
    """A thing that the rule would take; `incident` is the open one that it would join, null for a new one."""

    thing: str
    title: str
    detail: str
    severity: str
    room: str
    url: str
    since: datetime | None
    key: str
    incident: int | None


class AlertPreviewIncident(Schema):
    """What would be one incident."""

    key: str
    incident: int | None
    severity: str
    count: int


class AlertPreviewSignal(Schema):
    """The signal of the rule's condition. `known` is false when nobody tells it, or nothing new enough was told."""

    signal: str
    subject: str
    told_here: bool
    known: bool
    value: float | None
    at: datetime | None
    stands: str


class AlertPreview(Schema):
    """What a rule would take now, the worst first; at most 200 are listed, of `count`."""

    sentence: str
    looked_at: datetime
    after_seconds: float = Field(description="It alerts once it has been so for so long.")
    count: int
    partial: bool = Field(description="It would take more, of topics that you may not see.")
    things: list[AlertPreviewThing]
    incidents: list[AlertPreviewIncident]
    signal: AlertPreviewSignal | None
    unread: list[str]
    tells: list[str]
    problems: list[str] = Field(description="Why it would not be saved.")


def rule(row: Rule) -> AlertRule:
    """Return a rule and how it stands, also one that this version cannot read."""
    said, problem = "", ""
    try:
        said = sentences.sentence(packing.rule_read(row.body))
    except WrongRule as error:
        problem = str(error)
    return AlertRule(
        name=row.name,
        on=row.is_on,
        version=row.version,
        sentence=said,
        rule=row.body,
        bad=bool(row.state.get("is_bad")),
        unknown=row.unknown,
        problem=problem,
        saved_by=row.actor,
        saved_at=row.saved_at,
        reason=row.reason,
    )


def preview(seen: Preview) -> AlertPreview:
    """Return what a rule would take."""
    return AlertPreview(
        sentence=sentences.sentence(seen.rule),
        looked_at=seen.at,
        after_seconds=seen.after_s,
        count=len(seen.things),
        partial=seen.is_partial,
        things=[_thing(each) for each in seen.things[:PREVIEW_THINGS_MAX]],
        incidents=_incidents(seen),
        signal=_signal(seen.heard) if seen.heard is not None else None,
        unread=list(seen.unread),
        tells=list(seen.channels),
        problems=list(seen.problems),
    )


def _thing(taken: Taken) -> AlertPreviewThing:
    seen = taken.seen
    return AlertPreviewThing(
        thing=seen.id,
        title=seen.title,
        detail=seen.detail,
        severity=seen.severity,
        room=seen.room,
        url=seen.url,
        since=seen.since,
        key=taken.key,
        incident=taken.incident,
    )


def _incidents(seen: Preview) -> list[AlertPreviewIncident]:
    found: dict[str, list[Taken]] = {}
    for each in seen.things:
        found.setdefault(each.key, []).append(each)
    return [
        AlertPreviewIncident(
            key=key,
            incident=taken[0].incident,
            severity=max((each.seen.severity for each in taken), key=SEVERITIES.index),
            count=len(taken),
        )
        for key, taken in found.items()
    ]


def _signal(heard: Heard) -> AlertPreviewSignal:
    reading = heard.reading
    return AlertPreviewSignal(
        signal=heard.condition.signal,
        subject=heard.condition.subject,
        told_here=heard.is_told_here,
        known=heard.stands is not Look.UNKNOWN,
        value=reading.value if reading is not None and math.isfinite(reading.value) else None,
        at=reading.at if reading is not None else None,
        stands=heard.stands.value,
    )
