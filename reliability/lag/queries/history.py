"""What happened to a group, and what may explain where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import get_args

from reliability import access
from reliability.audit import queries as audit_queries
from reliability.console import queries as console_queries
from reliability.console.domain import sentences
from reliability.console.domain.values import Status, Subject, TimelineRow
from reliability.lag.domain import verdict
from reliability.lag.models import Event
from reliability.lag.queries.rows import Row

CAUSE_WINDOW = timedelta(hours=1)
TOPICS_ASKED_MAX = 5  # topics of a group whose causes are looked for
_OUTCOMES: dict[str, verdict.Status] = {"done": "ok", "refused": "warn", "failed": "crit"}


def target(group_id: int) -> str:
    """Return what acts on a group have as their target in the audit."""
    return f"consumer-group:{group_id}"


def of_group(*, actor: access.Actor, row: Row, since: datetime | None = None, limit: int = 50) -> Sequence[TimelineRow]:
    """Return what machines and people did to a group, newest first; nothing where the account sees a part of it only,
    for these lines are of the whole."""
    if row.is_limited:
        return []
    events = Event.objects.filter(group_id=row.id)
    if since is not None:
        events = events.filter(at__gte=since)
    allowed = access.visible_topics(actor)
    seen = [event for event in events.order_by("-at")[:limit] if all(map(allowed.allows, topics_of(event, row.topics)))]
    found = [_of_event(event) for event in seen]
    if access.may(actor, "activity.view"):
        found += _acts(actor, row, since, limit)
    return sorted(found, key=lambda each: each.at, reverse=True)[:limit]


def causes(
    *, actor: access.Actor, row: Row, window: timedelta = CAUSE_WINDOW, topics: int = TOPICS_ASKED_MAX
) -> console_queries.Facts:
    """Return what other rooms know that may explain where a group stands."""
    subjects = [] if row.is_limited else [Subject(kind="group", name=row.name)]
    subjects += [Subject(kind="topic", name=topic) for topic in row.topics[:topics]]
    return console_queries.facts_about(subjects, window=window, actor=actor)


def causes_of_topic(*, actor: access.Actor, topic: str, window: timedelta = CAUSE_WINDOW) -> console_queries.Facts:
    """Return what other rooms know of trouble with a topic."""
    return console_queries.facts_about([Subject(kind="topic", name=topic)], window=window, actor=actor)


def topics_of(event: Event, topics: Sequence[str]) -> Sequence[str]:
    """Return the topics of the group when it happened; ``topics``, those of now, where that was not written down."""
    told = event.facts.get("topics")
    return told if isinstance(told, list) and told else topics


def _of_event(event: Event) -> TimelineRow:
    url = reset_url(event.facts)
    return TimelineRow(at=event.at, kind="machine", status=status_in(event.status), text=event.text, url=url)


def reset_url(facts: Mapping[str, object]) -> str:
    """Return the address of the reset that these facts name, "" where they name none."""
    return f"/lag/resets/{facts['reset']}/" if isinstance(facts.get("reset"), int) else ""


def status_in(text: str) -> Status:
    """Return a stored status; unknown for any other word."""
    return text if text in get_args(Status) else "unknown"  # type: ignore[return-value]  # one of the literals


def _acts(actor: access.Actor, row: Row, since: datetime | None, limit: int) -> list[TimelineRow]:
    wanted = audit_queries.EntryFilter(target=target(row.id), since=since)
    return [
        TimelineRow(
            at=entry.at,
            kind="person" if entry.actor_kind in ("user", "token", "cli") else "machine",
            status=_OUTCOMES.get(entry.outcome, "unknown"),
            text=sentences.sentence(
                act=entry.act,
                target=f"group:{row.name}",
                outcome=entry.outcome,
                reason=entry.reason,
                on=entry.facts.get("on"),
            ),
            who=entry.told.in_words,
            url=reset_url(entry.facts) or f"/activity/?target={entry.target}",
        )
        for entry in audit_queries.entries(actor=actor, wanted=wanted, limit=limit).entries
    ]
