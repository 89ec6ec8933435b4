"""Incidents that open, grow, shrink and are over, as their alerts have it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from reliability.alerts.domain import grouping, message
from reliability.alerts.domain.rule import SEVERITIES, worse
from reliability.alerts.domain.rule import Rule as Wanted
from reliability.alerts.domain.standing import Phase
from reliability.alerts.models import Alert, Happening, Incident
from reliability.alerts.operations.standing import AT_ONCE
from reliability.alerts.queries.incidents import room_title

TOPICS_MAX: Final = 1_000
UNKNOWN_TOPIC: Final = ""
"""Stands for topics beyond ``TOPICS_MAX``: who does not see every topic does not see what names more."""
NAMED_MAX: Final = 3


def grouped(rule: Wanted, *, now: datetime) -> bool:
    """Put alerts of a rule that fire into incidents, and bring each open one up to date; return whether any changed."""
    standing = list(Alert.objects.filter(rule=rule.name, ended_at=None).order_by("began_at", "id"))
    rows = Incident.objects.select_for_update().filter(rule=rule.name, resolved_at=None).order_by("id")
    known = {each.key: each for each in rows}
    new = [each for each in standing if each.phase == Phase.FIRING and each.incident_id is None]
    wanted = [(each.thing, grouping.key_of(rule, room=each.room, thing=each.thing)) for each in new]
    keys = grouping.placed(wanted, open_keys=known.keys())
    for key in dict.fromkeys(keys.values()):
        joined = [each for each in new if keys[each.thing] == key]
        known[key] = _joined(known.get(key), rule, key, joined, now=now)
    by_incident: dict[int, list[Alert]] = {}
    for each in standing:
        if each.incident_id is not None:
            by_incident.setdefault(each.incident_id, []).append(each)
    changed = [_renewed(each, by_incident.get(each.pk, []), now=now) for each in known.values()]
    return bool(new) or any(changed)


def _joined(incident: Incident | None, rule: Wanted, key: str, joined: Sequence[Alert], *, now: datetime) -> Incident:
    is_new = incident is None
    if incident is None:
        incident = Incident.objects.create(rule=rule.name, key=key, severity=_worst(joined), title="", opened_at=now)
    for each in joined:
        each.incident, each.raised_at = incident, now
    for begin in range(0, len(joined), AT_ONCE):
        numbers = [each.pk for each in joined[begin : begin + AT_ONCE]]
        Alert.objects.filter(pk__in=numbers).update(incident=incident, raised_at=now)
    incident.count_ever += len(joined)
    named = "; ".join(each.title for each in joined[:NAMED_MAX])
    more = f" and {len(joined) - NAMED_MAX:,} more" if len(joined) > NAMED_MAX else ""
    noted(incident, "opened" if is_new else "joined", f"{named}{more}", at=now)
    return incident


def _renewed(incident: Incident, up: list[Alert], *, now: datetime) -> bool:
    """Bring an incident up to date with the alerts that are up; without any it is over."""
    if not up:
        resolve(incident, why="Nothing of it is left.", now=now)
        return True
    before = (incident.count, incident.title, incident.severity, incident.topics)
    bad = _worst(up)
    if worse(incident.severity, bad):  # type: ignore[arg-type]  # the column holds one of both
        noted(incident, "worse", f"It is {bad} now.", at=now)
        incident.severity = bad
    incident.count = len(up)
    first = sorted(up, key=lambda each: (-SEVERITIES.index(each.severity), each.began_at, each.pk))
    rooms = {each.room for each in up}
    things = [message.Thing(title=each.title) for each in first[:1]]
    room = room_title(next(iter(rooms))) if len(rooms) == 1 else ""
    incident.title = message.title_of(things, count=len(up), room=room)
    incident.topics = _topics(incident, up)
    if before == (incident.count, incident.title, incident.severity, incident.topics):
        return False
    incident.save()
    return True


def _topics(incident: Incident, up: list[Alert]) -> list[str]:
    found = set(incident.topics).union(*(each.topics for each in up))
    return sorted(found) if len(found) <= TOPICS_MAX else [UNKNOWN_TOPIC, *sorted(found)[:TOPICS_MAX]]


def resolve(incident: Incident, *, why: str, now: datetime) -> None:
    """End an incident; whoever heard of it is told in this same turn."""
    incident.resolved_at, incident.resolved_why, incident.count = now, why, 0
    incident.save()
    noted(incident, "resolved", why, at=now)


def noted(incident: Incident, kind: str, text: str, *, at: datetime, actor: str = "") -> None:
    """Write down what happened to an incident."""
    Happening.objects.create(incident=incident, at=at, kind=kind, text=text, actor=actor)


def _worst(alerts: Sequence[Alert]) -> str:
    return max((each.severity for each in alerts), key=SEVERITIES.index, default="warn")
