"""Incidents, messages and things that need a person, as a person finds them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from reliability import access
from reliability.alerts.domain import message
from reliability.alerts.domain.telling import Event
from reliability.alerts.models import Alert, Delivery, Incident
from reliability.alerts.models.deliveries import State
from reliability.alerts.operations import grouping, telling
from reliability.console.domain.values import Item, Sample, Status
from reliability.console.registry import Registry, Signal
from reliability.kernel.clock import SYSTEM

CHANNELS = {
    "pager": {"kind": "pagerduty", "routing_key": "k" * 32, "url": "https://events.example/v2/enqueue"},
    "chat": {"kind": "slack", "url": "https://hooks.example/services/T0/B0/very-secret"},
    "any": {"kind": "apprise", "url": "ntfys://user:very-secret@ntfy.example/topic"},
    "hook": {"kind": "webhook", "url": "https://hook.example/alerts?key=very-secret", "secret": "very-secret" * 3},
}
"""For ``settings.ALERT_CHANNELS``; every secret in it has "very-secret" or a run of k in it."""


def incident(
    title: str = "billing is stalled",
    *more: str,
    topics: Sequence[Sequence[str]] = (),
    rule: str = "critical",
    key: str = "",
    severity: str = "crit",
    room: str = "lag",
    channels: Sequence[str] = (),
    over: bool = False,
    minutes_ago: int = 10,
) -> Incident:
    """An incident of one alert for each title, that so many channels were told of; ``topics`` are those of each."""
    now = SYSTEM.now()
    began, titles = now - timedelta(minutes=minutes_ago), [title, *more]
    made = Incident.objects.create(
        rule=rule,
        key=key or f"thing:{title}",
        severity=severity,
        title=title if not more else f"{len(titles)} things: {title}",
        opened_at=began,
        count=len(titles),
        count_ever=len(titles),
        topics=sorted({topic for each in topics for topic in each}),
    )
    for at, each in enumerate(titles):
        _alert(made, each, room=room, topics=topics[at] if at < len(topics) else ())
    grouping.noted(made, "opened", "; ".join(titles), at=began)
    if channels:
        body = message.as_json(telling.message_of(made, Event.TRIGGER, now=began))
        for name in channels:
            delivery(made, channel=name, body=body, at=began)
        made.told, made.told_to, made.told_at = severity, list(channels), began
        made.save()
    if over:
        made.alerts.update(ended_at=now)
        grouping.resolve(made, why="Nothing of it is left.", now=now)
    return made


def _alert(of: Incident, title: str, *, room: str, topics: Sequence[str]) -> None:
    Alert.objects.create(
        rule=of.rule,
        thing=f"{room}:{title}",
        source=f"reliability.{room}",
        room=room,
        phase="firing",
        since=of.opened_at,
        severity=of.severity,
        title=title,
        detail=f"why {title}",
        url=f"/{room}/",
        topics=list(topics),
        began_at=of.opened_at,
        raised_at=of.opened_at,
        incident=of,
    )


def delivery(
    of: Incident | None,
    *,
    channel: str = "pager",
    state: State = State.WAITING,
    body: dict[str, object] | None = None,
    at: datetime | None = None,
    answer: str = "",
) -> Delivery:
    """A message to a channel about an incident, or about none."""
    created = at or SYSTEM.now()
    if body is None:
        told = message.Message(
            event=Event.TEST,
            dedup_key="mainstay/test",
            title="Mainstay can reach you",
            severity="warn",
            rule="",
            environment="",
            since=message.instant(created),
            at=message.instant(created),
        )
        body = message.as_json(told if of is None else telling.message_of(of, Event.TRIGGER, now=created))
    return Delivery.objects.create(
        incident=of,
        channel=channel,
        event=str(body["event"]),
        body=body,
        state=state,
        created_at=created,
        due_at=created,
        attempts=1 if answer else 0,
        answer=answer,
        done_at=created if state != State.WAITING else None,
    )


def things(*items: Item, signals: dict[str, float | None] | None = None) -> Registry:
    """A console in which one room says that these things need a person, and each signal has this value of anything."""
    registry = Registry()

    def attention(actor: access.Actor) -> Sequence[Item]:
        return items

    registry.register_attention(attention)
    for name, value in (signals or {}).items():
        registry.register_signal(Signal(name=name, unit="s", read=lambda subject, value=value: _sample(value)))
    return registry


def thing(
    name: str, *, room: str = "lag", status: Status = "crit", title: str = "", topics: Sequence[str] = ()
) -> Item:
    """One thing that needs a person."""
    return Item(
        id=name,
        room=room,
        status=status,
        word="Bad",
        title=title or f"{name} is bad",
        detail="it says why",
        since=SYSTEM.now(),
        url=f"/{room}/",
        topics=tuple(topics),
    )


def _sample(value: float | None) -> Sample | None:
    return None if value is None else Sample(value=value, at=SYSTEM.now())
