"""What the console's front page, timeline, metrics and doctor say of alerts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count

from reliability import access
from reliability.alerts.domain.channels import WrongChannel
from reliability.alerts.models import Happening, Incident, Turn
from reliability.alerts.queries import channels, incidents, rules
from reliability.console.domain.values import CheckResult, Figure, Item, Status, TimelineRow
from reliability.kernel.command_line import spelled
from reliability.kernel.telemetry import names

LATE_AFTER: Final = timedelta(seconds=60)
"""Turns come each five seconds."""
FAILING_AFTER: Final = timedelta(seconds=60)
"""A message that waits longer is news of its own."""
CHANNELS_URL: Final = "/alerts/#channels"
_KINDS: Final = ("opened", "worse", "resolved")
_STATUSES: Final[dict[str, Status]] = {"crit": "crit", "warn": "warn"}


def attention(*, actor: access.Actor, now: datetime) -> Sequence[Item]:
    """Channels that take nothing, and rules that nobody looks at: then nobody is told of anything else either."""
    known = channels.doing(is_short=True)
    items = [_of_channel(each) for each in known if each.oldest_at and now - each.oldest_at > FAILING_AFTER]
    late = _late(now)
    unheard = [_of_rule(name, missing) for name, missing in rules.telling_nobody().items()]
    return [*([_of_turn(late)] if late is not None else []), *items, *unheard]


def _of_rule(name: str, missing: Sequence[str]) -> Item:
    return Item(
        id=f"alerts:rule:{name}",
        room="alerts",
        status="crit",
        word="Tells nobody",
        title=f"The rule {name} tells nobody",
        detail=f"It tells {', '.join(missing)}, which MAINSTAY_ALERT_CHANNELS does not name any more.",
        since=None,
        url=incidents.URL,
        act_label="Look",
        act_url=incidents.URL,
        is_cause=True,
    )


def _late(now: datetime) -> Turn | None:
    row = Turn.objects.first()
    return row if row is not None and row.at is not None and now - row.at > LATE_AFTER else None


def _of_turn(row: Turn) -> Item:
    return Item(
        id="alerts:turn",
        room="alerts",
        status="crit",
        word="Not looking",
        title="Nobody looks whether somebody has to be told",
        detail="A worker for the queue critical does that, at the word of beat.",
        since=row.at,
        url=incidents.URL,
        act_label="Look",
        act_url=incidents.URL,
        is_cause=True,
    )


def _of_channel(doing: channels.Doing) -> Item:
    count = doing.waiting
    return Item(
        id=f"alerts:channel:{doing.channel.name}",
        room="alerts",
        status="crit",
        word="Not delivered",
        title=f"{doing.channel.name} has not taken {count} message{'' if count == 1 else 's'}",
        detail=doing.failing or "No worker for the queue critical has sent them.",
        since=doing.oldest_at,
        url=CHANNELS_URL,
        act_label="Look",
        act_url=CHANNELS_URL,
        is_cause=True,
    )


def timeline(since: datetime, limit: int) -> Sequence[TimelineRow]:
    """Incidents that opened, got worse and ended."""
    found = Happening.objects.filter(at__gt=since, kind__in=_KINDS).select_related("incident").order_by("-at")[:limit]
    return [
        TimelineRow(
            at=each.at,
            kind="machine",
            status="ok" if each.kind == "resolved" else _STATUSES.get(each.incident.severity, "unknown"),
            text=f"Incident {each.incident.pk} {_WORDS[each.kind]}: {each.incident.title}",
            url=incidents.url_of(each.incident.pk),
            topics=tuple(each.incident.topics),
        )
        for each in found
    ]


_WORDS: Final = {"opened": "opened", "worse": "got worse", "resolved": "is over"}


def figures(*, now: datetime) -> Iterator[Figure]:
    """Open incidents, messages that wait, and the age of the last look, for Prometheus."""
    counts = Incident.objects.filter(resolved_at=None).values_list("severity").annotate(Count("id"))
    known = dict.fromkeys(("warn", "crit"), 0) | dict(counts)
    for severity, count in known.items():
        yield Figure(metric=names.ALERT_INCIDENTS, value=count, labels={"severity": severity})
    for each in channels.doing(is_short=True):
        labels = {"channel": each.channel.name}
        yield Figure(metric=names.ALERT_WAITING, value=each.waiting, labels=labels)
        age = (now - each.oldest_at).total_seconds() if each.oldest_at is not None else 0.0
        yield Figure(metric=names.ALERT_OLDEST, value=max(0.0, age), labels=labels)
    row = Turn.objects.first()
    if row is not None and row.at is not None:
        yield Figure(metric=names.ALERT_TURN_AGE, value=max(0.0, (now - row.at).total_seconds()))


def check(*, now: datetime) -> CheckResult:
    """A line of doctor: whether rules are looked at, and whether anybody is told."""
    late = _late(now)
    if late is not None:
        found = f"rules were last looked at {late.at:%Y-%m-%d %H:%M:%S} UTC"
        return CheckResult(verdict="fail", found=found, remedy="Start a worker for the queue critical, and beat.")
    try:
        doing = channels.doing(is_short=True)
    except WrongChannel as error:
        return CheckResult(verdict="fail", found=str(error), remedy="Put MAINSTAY_ALERT_CHANNELS right.")
    if not doing:
        remedy = "Name whom to tell in MAINSTAY_ALERT_CHANNELS (README, Be told)."
        return CheckResult(verdict="warn", found="no channel: nobody is told of anything", remedy=remedy)
    for name, missing in rules.telling_nobody().items():
        found = f"the rule {name} tells nobody: there is no channel {', '.join(missing)}"
        return CheckResult(verdict="fail", found=found, remedy="Name the channel again, or have the rule tell others.")
    stuck = [each for each in doing if each.oldest_at is not None and now - each.oldest_at > FAILING_AFTER]
    if stuck:
        found = "; ".join(f"{each.channel.name}: {each.waiting} wait, {each.failing or 'not tried'}" for each in stuck)
        return CheckResult(
            verdict="fail", found=found, remedy=f"Mend it, then: {spelled('alerts', 'test', stuck[0].channel.name)}"
        )
    return CheckResult(verdict="ok", found=f"told by {', '.join(each.channel.name for each in doing)}")
