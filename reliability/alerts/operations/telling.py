"""Writes messages: in the transaction of what they tell, for each channel that is to hear it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet

from reliability.alerts.domain import message, muting, packing, telling
from reliability.alerts.domain.message import Message
from reliability.alerts.domain.rule import SEVERITIES
from reliability.alerts.domain.rule import Rule as Wanted
from reliability.alerts.domain.telling import Event
from reliability.alerts.models import Alert, Delivery, Incident, Rule
from reliability.alerts.queries import channels, incidents, mutes
from reliability.console.domain.conditions import WrongRule

ENDED_SHOWN = 10


def hold() -> None:
    """Take every incident that may be told of, in the one order in which all who write take them.

    A turn goes by rules and a mute by numbers: without this they could wait for each other.
    """
    list(Incident.objects.select_for_update().filter(is_settled=False).order_by("id").values_list("pk", flat=True))


def tell(found: QuerySet[Incident], *, now: datetime) -> bool:
    """Write what is due of each incident, and whether it is muted; return whether there is anything to deliver."""
    covering, wanted = mutes.lasting(now=now), _rules()
    told = [_told(each, covering, wanted.get(each.rule), now=now) for each in found.select_for_update().order_by("id")]
    return any(told)


def _rules() -> dict[str, Wanted]:
    found = {}
    for row in Rule.objects.all():
        try:
            found[row.name] = packing.rule_read(row.body)
        except WrongRule:  # one of another version; told of by whoever looks (queries/rules.py)
            continue
    return found


def _told(incident: Incident, covering: Sequence[muting.Mute], rule: Wanted | None, *, now: datetime) -> bool:
    before = incident.is_muted
    incident.is_muted = incident.resolved_at is None and _is_muted(incident, covering)
    event = telling.due(as_told(incident, rule), now=now)
    if event is None:
        if incident.resolved_at is not None:
            incident.is_settled = True
        if incident.is_settled or before != incident.is_muted:
            incident.save()
        return False
    to = _channels(incident, rule, event)
    if not to and event is Event.TRIGGER:  # nobody to tell yet: told as soon as there is a channel
        if before != incident.is_muted:
            incident.save()
        return False
    _remember(incident, event, to, now=now)
    frozen = message.as_json(message_of(incident, event, now=now))
    Delivery.objects.bulk_create(
        Delivery(incident=incident, channel=name, event=event.value, body=frozen, created_at=now, due_at=now)
        for name in to
    )
    return bool(to)


def as_told(incident: Incident, rule: Wanted | None) -> telling.Told:
    """Return an incident as the rules of telling look at it."""
    return telling.Told(
        is_open=incident.resolved_at is None,
        severity=incident.severity,  # type: ignore[arg-type]  # the columns hold one of both, or nothing
        is_acknowledged=incident.acknowledged_at is not None,
        is_muted=incident.is_muted,
        told="" if _is_unheard(incident) else incident.told,  # type: ignore[arg-type]
        acknowledgement_told=incident.acknowledgement_told,
        last_told_at=incident.told_at,
        remind_after_s=rule.remind_after_s if rule is not None else 0.0,
    )


def _is_unheard(incident: Incident) -> bool:
    """Whether it goes on and no channel that heard of it is left: the others would hear of its end alone."""
    return incident.resolved_at is None and not set(incident.told_to) & set(channels.names())


def _is_muted(incident: Incident, covering: Sequence[muting.Mute]) -> bool:
    if not covering:
        return False
    up = Alert.objects.filter(incident=incident, ended_at=None).values_list("thing", "room", "source").iterator()
    things = (mutes.thing(thing, room=room, source=source) for thing, room, source in up)
    return muting.is_muted(covering, rule=incident.rule, incident=str(incident.pk), things=things)


def _channels(incident: Incident, rule: Wanted | None, event: Event) -> list[str]:
    """A beginning goes to the rule's channels; what follows goes to those that heard of it, and of worse to both."""
    wanted = [name for name in channels.names() if rule is not None and (not rule.channels or name in rule.channels)]
    if event is Event.TRIGGER:
        return wanted
    return list(dict.fromkeys([*incident.told_to, *(wanted if event is Event.WORSE else ())]))


def _remember(incident: Incident, event: Event, to: Iterable[str], *, now: datetime) -> None:
    incident.told_to = list(dict.fromkeys([*incident.told_to, *to]))
    incident.told_at = now
    if event in (Event.TRIGGER, Event.WORSE):
        incident.told = incident.severity
    if event is Event.TRIGGER and incident.acknowledged_at is not None:
        incident.acknowledgement_told = True  # acknowledged before anybody heard: the message says who it is with
    if event is Event.ACKNOWLEDGE:
        incident.acknowledgement_told = True
    if event is Event.RESOLVE:
        incident.is_settled = True
    incident.save()


def message_of(incident: Incident, event: Event, *, now: datetime) -> Message:
    """Return what is told of an incident at this moment."""
    alerts = Alert.objects.filter(incident=incident)
    if event is Event.RESOLVE:
        shown = list(alerts.order_by("-ended_at", "id")[:ENDED_SHOWN])
    else:
        up = list(alerts.filter(ended_at=None).order_by("began_at", "id")[: 10 * message.THINGS_SHOWN])
        shown = sorted(up, key=lambda each: -SEVERITIES.index(each.severity))[: message.THINGS_SHOWN]
    return Message(
        event=event,
        dedup_key=incidents.dedup_key(incident),
        title=incident.title,
        severity=incident.severity,
        rule=incident.rule,
        environment=getattr(settings, "MAINSTAY_ENVIRONMENT_NAME", ""),
        since=message.instant(incident.opened_at),
        at=message.instant(now),
        things=tuple(
            message.Thing(
                title=each.title, detail=each.detail, severity=each.severity, url=incidents.absolute(each.url)
            )
            for each in shown
        ),
        count=incident.count_ever if event is Event.RESOLVE else incident.count,
        url=incidents.absolute(incidents.url_of(incident.pk)),
        by=incident.acknowledged_by,
        reason=incident.acknowledged_why,
    )
