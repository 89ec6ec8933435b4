"""What a person does: acknowledge an incident, mute, end a mute, try a channel, send a message again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Q

from reliability import access, audit, live
from reliability.alerts.domain import message, muting, sentences
from reliability.alerts.domain.muting import Covers
from reliability.alerts.domain.telling import Event
from reliability.alerts.models import Delivery, Incident, Mute
from reliability.alerts.models.deliveries import State
from reliability.alerts.operations import grouping, telling
from reliability.alerts.queries import channels, incidents, log, mutes, rules
from reliability.alerts.queries.incidents import Look
from reliability.kernel.errors import Refused

OF_CHARS_MAX: Final = 300
MUTES_MAX: Final = 200


class BadMute(Refused):
    """A mute lasts at least a minute and at most seven days."""

    code = "bad-mute"
    status = 422


class NothingLikeIt(Refused):
    """There is nothing of that name to mute."""

    code = "nothing-like-it"
    status = 422


class IsOver(Refused):
    """This incident is over already."""

    code = "is-over"


class IsAcknowledged(Refused):
    """Somebody has acknowledged this incident already."""

    code = "is-acknowledged"


class IsOvertaken(Refused):
    """Its channel has taken a later message about the same incident: this one would tell what is no longer so."""

    code = "is-overtaken"


class IsUnderWay(Refused):
    """This message is still on its way, or was taken: there is nothing to send again."""

    code = "is-under-way"


def acknowledge(*, look: Look, reason: str, actor: access.Actor, now: datetime) -> Incident:
    """Say that somebody looks after an incident; whoever heard of it is told, and is not reminded any more. Audited.

    Raises ``IsOver``, ``IsAcknowledged``, ``access.Denied``.
    """
    incident = look.row
    facts = {"title": look.title}  # of what this actor sees, for those who see as much
    topics = [each for each in incident.topics if incidents.sees_all(actor, [each])]
    with audit.action(
        "alerts.acknowledge", actor=actor, target=target(incident.pk), reason=reason, topics=topics, facts=facts
    ):
        row = Incident.objects.select_for_update().get(pk=incident.pk)
        if row.resolved_at is not None:
            raise IsOver(f"It was over before: {row.resolved_why}")
        if row.acknowledged_at is not None:
            raise IsAcknowledged(f"{row.acknowledged_by} has acknowledged it before.")
        row.acknowledged_at, row.acknowledged_by, row.acknowledged_why = now, actor.shown, reason
        row.version += 1
        row.save()
        grouping.noted(row, "acknowledged", reason or "Somebody looks after it.", at=now, actor=actor.shown)
        telling.tell(Incident.objects.filter(pk=row.pk), now=now)
    live.changed("alerts")
    return row


def mute(*, covers: Covers, of: str, lasts: timedelta, reason: str, actor: access.Actor, now: datetime) -> Mute:
    """Have nobody told of something for a while. What is wrong stays in sight. Audited.

    Raises ``BadMute``, ``NothingLikeIt``, ``access.Denied``, ``audit.ReasonRequired``.
    """
    facts = {
        "title": sentences.of_mute(muting.Mute(covers=covers, of=of)),
        "minutes": round(lasts.total_seconds() / 60),
    }
    with audit.action("alerts.mute", actor=actor, target=_named(covers, of), reason=reason, facts=facts):
        if not muting.SHORTEST <= lasts <= muting.LONGEST:
            raise BadMute
        _check(covers, of, actor)
        if len(mutes.rows(now=now)) >= MUTES_MAX:
            raise BadMute(f"There are {MUTES_MAX} mutes that last: end some, or let one cover more.")
        made = Mute.objects.create(covers=covers, of=of, until=now + lasts, by=actor.shown, reason=reason, at=now)
        for incident in _touched(covers, of):
            text = f"Until {made.until:%Y-%m-%d %H:%M} UTC: {reason}"
            grouping.noted(incident, "muted", text, at=now, actor=actor.shown)
        telling.tell(Incident.objects.filter(is_settled=False), now=now)
    live.changed("alerts")
    return made


def unmute(*, number: int, actor: access.Actor, now: datetime) -> Mute:
    """End a mute: what still stands is told at once. Audited; one that is over is left alone.

    Raises ``mutes.NoSuchMute``, ``access.Denied``.
    """
    with audit.action("alerts.unmute", actor=actor, target=f"mute:{number}") as entry:
        found = mutes.one(number)
        _check_reach(Covers(found.covers), found.of, actor)
        row = Mute.objects.select_for_update().get(pk=number)
        if row.ended_at is None and row.until > now:
            row.ended_at, row.ended_by = now, actor.shown
            row.save()
            for incident in _touched(Covers(row.covers), row.of):
                grouping.noted(incident, "unmuted", "The mute was taken back.", at=now, actor=actor.shown)
            telling.tell(Incident.objects.filter(is_settled=False), now=now)
        entry.facts["title"] = sentences.of_mute(muting.Mute(covers=Covers(row.covers), of=row.of))
    live.changed("alerts")
    return row


def test(*, channel: str, actor: access.Actor, now: datetime) -> Delivery:
    """Send a message that says it is a test, over the way that all take. Audited.

    Raises ``channels.NoSuchChannel``, ``access.Denied``.
    """
    with audit.action("alerts.test", actor=actor, target=f"channel:{channel[:40]}"):
        channels.one(channel)
        told = message.Message(
            event=Event.TEST,
            dedup_key=f"mainstay/{getattr(settings, 'MAINSTAY_ENVIRONMENT_NAME', '')}/test",
            title="Mainstay can reach you",
            severity="warn",
            rule="",
            environment=getattr(settings, "MAINSTAY_ENVIRONMENT_NAME", ""),
            since=message.instant(now),
            at=message.instant(now),
            url=incidents.absolute(incidents.URL),
            by=actor.shown,
            reason="Nothing is wrong: this was asked for.",
        )
        row = Delivery.objects.create(
            channel=channel, event=Event.TEST.value, body=message.as_json(told), created_at=now, due_at=now
        )
    live.changed("alerts")
    return row


def send_again(*, number: int, actor: access.Actor, now: datetime) -> Delivery:
    """Put a message that was given up on its way once more. Audited.

    Raises ``NoSuchDelivery``, ``IsUnderWay``, ``IsOvertaken``, ``access.Denied``.
    """
    with audit.action("alerts.send_again", actor=actor, target=f"delivery:{number}") as entry:
        log.one(number, actor=actor)
        row = Delivery.objects.select_for_update().get(pk=number)
        if row.state != State.GIVEN_UP:
            raise IsUnderWay
        if row.incident is not None:
            later = row.incident.deliveries.filter(channel=row.channel, pk__gt=number)
            if later.filter(state=State.SENT).exists():
                raise IsOvertaken
        row.state, row.due_at, row.created_at, row.attempts, row.claimed_until = State.WAITING, now, now, 0, None
        row.save()
        entry.facts |= {"channel": row.channel, "event": row.event}
    live.changed("alerts")
    return row


def target(number: int) -> str:
    """Return how the audit names an incident."""
    return f"incident:{number}"


def _named(covers: Covers, of: str) -> str:
    return target(int(of)) if covers is Covers.INCIDENT and _is_number(of) else f"mute:{covers.value}:{of[:100]}"


def _is_number(of: str) -> bool:
    return of.isascii() and of.isdecimal() and len(of) < 19


def _check_reach(covers: Covers, of: str, actor: access.Actor) -> None:
    """What covers more than one incident covers topics that an account with limited scopes may not see."""
    if covers is Covers.INCIDENT:
        incidents.one(int(of), actor=actor)
    elif not actor.scopes.is_everything:
        raise access.Denied(
            f"A mute of more than one incident needs an account that may see every topic; {actor.shown} has limited "
            "scopes, and may mute single incidents."
        )


def _check(covers: Covers, of: str, actor: access.Actor) -> None:
    """A mute of what there is not would be believed to work."""
    if "\x00" in of or len(of) > OF_CHARS_MAX:
        raise NothingLikeIt
    if covers is not Covers.INCIDENT:
        _check_reach(covers, of, actor)
    match covers:
        case Covers.EVERYTHING if of:
            raise NothingLikeIt("A mute of everything names nothing.")
        case Covers.RULE:
            rules.one(of)
        case Covers.ROOM if not incidents.is_room(of):
            raise NothingLikeIt(f"There is no page {of[:80]!r}; there are {', '.join(incidents.rooms())}.")
        case Covers.INCIDENT:
            _check_open(of, actor)
        case Covers.THINGS if not of.strip():
            raise NothingLikeIt("Say which things, such as lag:* or letters:group:12.")


def _check_open(number: str, actor: access.Actor) -> None:
    if not _is_number(number):
        raise incidents.NoSuchIncident("An incident is named by its number, such as 12.")
    if incidents.one(int(number), actor=actor).row.resolved_at is not None:
        raise IsOver("It is over already: there is nothing to mute.")


def _touched(covers: Covers, of: str) -> list[Incident]:
    """The open incidents that a mute names as a whole; finer ones are seen at the next look."""
    rows = Incident.objects.filter(resolved_at=None).order_by("id")
    match covers:
        case Covers.EVERYTHING:
            return list(rows)
        case Covers.RULE:
            return list(rows.filter(rule=of))
        case Covers.INCIDENT:
            return list(rows.filter(pk=int(of)))
        case Covers.ROOM:
            belongs = Q(alerts__room=of) | Q(alerts__room=mutes.SIGNALS, alerts__source__in=mutes.sources(of))
            return list(rows.filter(belongs, alerts__ended_at=None).distinct())
        case Covers.THINGS:
            return []
