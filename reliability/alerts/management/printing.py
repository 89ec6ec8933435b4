"""How the command line shows alerts: one line for each thing, what is needed first in front."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.urls import reverse

from reliability.alerts.api.bodies import (
    AlertChannel,
    AlertDelivery,
    AlertIncident,
    AlertIncidents,
    AlertIncidentWhole,
    AlertMute,
)
from reliability.alerts.api.rule_bodies import AlertPreview, AlertPreviewSignal, AlertRule
from reliability.alerts.queries import incidents
from reliability.alerts.queries.overview import FAILING_AFTER, LATE_AFTER
from reliability.alerts.views import runbooks
from reliability.kernel.command_line import spelled
from reliability.kernel.text import printable

LINE = 160
NAME_CHARS_MAX = 60
ANSWER_CHARS_MAX = 80
THINGS_SHOWN = 40


def incident_lines(found: AlertIncidents, *, now: datetime) -> Iterator[str]:
    """Incidents, one line each."""
    for each in found.items:
        since = age(each.opened_at, now=each.resolved_at or now)
        yield f"{each.id:>6}  {each.severity:<4}  {since:>8}  {stands(each):<28}  {cut(each.title)}"


def stands(each: AlertIncident) -> str:
    """Return in a few words whether anybody looks after an incident, and whether anybody was told."""
    if each.state == "over":
        return "over"
    if each.acknowledged_at is not None:
        return cut(f"with {each.acknowledged_by.partition(',')[0]}", 28)  # by which entrance stands where it is shown
    if each.muted:
        return "muted"
    return cut(_told(each), 28) if each.told else "nobody was told"


def _told(each: AlertIncident) -> str:
    """A message that is written is not one that arrived: who relies on a channel has to see which."""
    heard = [name for name in each.told_to if name not in each.not_taken_by]
    deaf = f"not taken by {', '.join(each.not_taken_by)}" if each.not_taken_by else ""
    return "; ".join(part for part in (deaf, f"told {', '.join(heard)}" if heard else "") if part)  # lists cut the end


def whole_lines(each: AlertIncidentWhole, *, now: datetime) -> Iterator[str]:
    """An incident: how it stands, what it is made of, what happened, who was told."""
    yield f"incident {each.id}: {cut(each.title)}"
    over = f", over {moment(each.resolved_at)}: {cut(each.resolved_why)}" if each.resolved_at is not None else ""
    lasted = age(each.opened_at, now=each.resolved_at or now)
    yield f"  {each.severity}, since {moment(each.opened_at)} ({lasted}), rule {each.rule}{over}"
    if each.acknowledged_at is not None:
        why = f": {cut(each.acknowledged_why)}" if each.acknowledged_why else ""
        yield f"  acknowledged by {cut(each.acknowledged_by)} {moment(each.acknowledged_at)}{why}"
    elif each.state == "open":
        yield f"  nobody has acknowledged it: {spelled('alerts', 'ack', str(each.id), '--as', 'USER')}"
    if each.muted:
        yield f"  muted, nobody is told of what comes: {spelled('alerts', 'mutes')}"
    told = f"{_told(each)}, last written {moment(each.told_at)}" if each.told_to else "told nobody"
    yield f"  {told}"
    for slug in runbooks.of_rooms({alert.room for alert in each.alerts}):
        path = reverse("alerts:runbook", args=[slug])
        yield f"  what to do: {incidents.absolute(path) or path}"
    if each.partial:
        yield "  some of it is of topics that this account may not see"
    yield f"alerts: {each.count} up"
    for alert in each.alerts:
        ended = f"ended {moment(alert.ended_at)}" if alert.ended_at is not None else alert.phase
        detail = f": {alert.detail}" if alert.detail else ""
        where = f"  {cut(alert.url)}" if alert.url else ""
        text = cut(f"{alert.title}{detail}")
        yield f"  {alert.severity:<4}  {ended:<10}  since {moment(alert.began_at)}  {text}{where}"
    if each.alerts_not_shown:
        yield f"  and {each.alerts_not_shown:,} more"
    yield "what happened:"
    for done in each.happenings:
        by = f" by {cut(done.actor)}" if done.actor else ""
        yield f"  {moment(done.at)}  {done.kind:<12}{by}  {cut(done.text)}"
    yield "messages:"
    yield from (f"  {line}" for line in delivery_lines(each.deliveries))
    if not each.deliveries:
        yield "  none"


def delivery_lines(found: Sequence[AlertDelivery]) -> Iterator[str]:
    """Messages, one line each, with what came of the last try."""
    for each in found:
        tries = f" ({each.attempts} tries)" if each.attempts > 1 else ""
        again = f", again {moment(each.due_at)}" if each.due_at is not None and each.attempts else ""
        said = f"{cut(each.answer or 'not tried yet', ANSWER_CHARS_MAX)}{tries}{again}"
        yield (
            f"{each.id:>6}  {moment(each.created_at)}  {cut(each.channel, NAME_CHARS_MAX):<16}  {each.event:<11}  "
            f"{each.state:<8}  {cut(each.title, ANSWER_CHARS_MAX)}  -> {said}"
        )


def mute_lines(found: Sequence[AlertMute]) -> Iterator[str]:
    """Mutes, one line each."""
    for each in found:
        ended = f" (ended {moment(each.ended_at)} by {cut(each.ended_by)})" if each.ended_at is not None else ""
        why = f"by {cut(each.by)}: {cut(each.reason)}"
        yield f"{each.id:>6}  until {moment(each.until)}{ended}  {cut(each.in_words)}, {why}"


def rule_lines(found: Sequence[AlertRule]) -> Iterator[str]:
    """Rules as sentences, and how they stand."""
    for each in found:
        word = "?" if each.problem else "off" if not each.on else "bad" if each.bad else "on"
        yield f"{each.name:<24} {word:<4} {each.sentence or 'this version of the console cannot read it'}"
        for said in (each.problem, each.unknown):
            if said:
                yield f"{'':<30}{cut(said)}"


def preview_lines(seen: AlertPreview) -> Iterator[str]:
    """What a rule would take."""
    yield seen.sentence
    if seen.signal is not None:
        yield f"  {_signal(seen.signal)}"
    counted = f"{seen.count:,} thing{'' if seen.count == 1 else 's'}"
    after = f" once {'it has' if seen.count == 1 else 'they have'} been so for {seen.after_seconds:g} s"
    yield f"right now it would take {counted}{after}" if seen.count else "right now it would take nothing"
    for one in seen.incidents:
        which = f"joins incident {one.incident}" if one.incident is not None else "a new incident"
        yield f"  {which} ({cut(one.key, NAME_CHARS_MAX)}), {one.severity}:"
        things = [each for each in seen.things if each.key == one.key]
        for each in things[:THINGS_SHOWN]:
            detail = f": {each.detail}" if each.detail else ""
            yield f"    {each.severity:<4}  {cut(each.thing, NAME_CHARS_MAX)}  {cut(f'{each.title}{detail}')}"
        if one.count > min(len(things), THINGS_SHOWN):
            yield f"    and {one.count - min(len(things), THINGS_SHOWN):,} more"
    yield f"  tells {', '.join(seen.tells)}" if seen.tells else "  tells nobody: no channel of the settings is meant"


def preview_warnings(seen: AlertPreview) -> Iterator[str]:
    """What speaks against what was shown."""
    for problem in seen.problems:
        yield f"it would not be saved: {problem}"
    for source in seen.unread:
        yield f"{source} could not say what needs a person; what it would tell of is not known"
    if seen.partial:
        yield "it would take more, of topics that this account may not see"


def _signal(signal: AlertPreviewSignal) -> str:
    named = cut(f"{signal.signal} of {signal.subject}" if signal.subject else signal.signal)
    if not signal.told_here:
        return f"nobody tells {named} here"
    if not signal.known or signal.value is None or signal.at is None:
        return f"nothing new enough is known of {named}"
    words = {"bad": "beyond the limit", "well": "well", "between": "between both limits"}
    return f"{named} is {signal.value:g}, {words.get(signal.stands, signal.stands)}, as of {moment(signal.at)}"


def channel_lines(found: Sequence[AlertChannel], *, now: datetime) -> Iterator[str]:
    """Channels and how they do."""
    for each in found:
        well = f"last taken {age(each.sent_at, now=now)} ago" if each.sent_at is not None else "nothing taken yet"
        waits = f", for {age(each.oldest_at, now=now)}" if each.oldest_at is not None else ""
        yield (
            f"{each.name:<16}  {each.title:<14}  to {cut(each.leads_to, NAME_CHARS_MAX)}  {well}, "
            f"{each.waiting} waiting{waits}, {each.given_up} given up"
        )
        if each.failing:
            yield f"{'':<18}{cut(each.failing)}"


def warnings(found: AlertIncidents, channels: Sequence[AlertChannel], *, now: datetime) -> Iterator[str]:
    """Why what is shown may be old, and why nobody may hear of it."""
    if found.looked_at is None:
        yield "no rule was ever looked at: a worker for the queue critical does that, at the word of beat"
    elif now - found.looked_at > LATE_AFTER:
        ago = age(found.looked_at, now=now)
        yield f"rules were last looked at {ago} ago: a worker for the queue critical does that, at the word of beat"
    for source in found.unread:
        yield f"{source} could not be asked: what it would tell of is not known"
    if not channels:
        yield "nobody is told of anything: MAINSTAY_ALERT_CHANNELS names no channel"
    for each in channels:
        if each.oldest_at is not None and (each.failing or now - each.oldest_at > FAILING_AFTER):
            why = each.failing or "no worker for the queue critical has tried"
            yield f"{each.name} has not taken {each.waiting} message{'' if each.waiting == 1 else 's'}: {cut(why)}"


def moment(at: datetime | None) -> str:
    """Return an instant in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}Z" if at is not None else "never"


def age(at: datetime, *, now: datetime) -> str:
    """Return for how long it has been, in its largest units."""
    seconds = max(0, int((now - at) / timedelta(seconds=1)))
    for size, unit, smaller, small in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min")):
        if seconds >= size:
            rest = seconds % size // smaller
            return f"{seconds // size} {unit}{f' {rest} {small}' if rest else ''}"
    return f"{seconds // 60} min" if seconds >= 60 else f"{seconds} s"


def cut(text: str, limit: int = LINE) -> str:
    """Return a text in one line that a terminal can show."""
    return printable(" ".join(text.split()), limit=limit)
