"""What the console's front page, timeline, doctor and metrics say of dead letters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

from django.db.models import Q, Sum

from dlq.domain import classify, search, trend
from dlq.models import GroupMinute, LetterGroup
from dlq.queries import arrivals, groups, limits, sources, storing
from reliability import access
from reliability.console.domain.values import (
    CheckResult,
    Fact,
    Figure,
    Item,
    Sample,
    Status,
    Subject,
    Tile,
    TimelineRow,
)
from reliability.kafka import clusters, ports
from reliability.kernel.telemetry import names

TITLE = "Dead letters"
URL = "/letters/"
LETTERS_URL = "/letters/all/"
OPEN_LETTERS_URL = f"{LETTERS_URL}?q=state:open"
ITEMS_MAX = 5  # groups named one by one in the attention list; the rest is one line
LOOKED_AT_MAX = 25  # groups among which outages are looked for: one that has just begun has few letters
TOPICS_NAMED_MAX = 10
CHECK_ANSWER_S = 3.5  # of its own client: one that another check of doctor asks is waited for twice
_ATTENTION = {"crit", "warn"}
_ACTS = {"replay", "discard"}  # advices that can be followed at once
_EVERYTHING = access.system_actor("console")


def tile(*, actor: access.Actor, now: datetime) -> Tile:
    """Open letters of topics that the actor may see, and how many arrived per minute in the last hour."""
    limited = not access.visible_topics(actor).is_everything
    unit = "in your topics" if limited else "open"
    try:
        totals, points = groups.totals_and_arrivals(actor=actor, now=now)
    except limits.TooSlow:
        return Tile(title=TITLE, value="many", unit=unit, status="unknown", word="Not counted", at=now, url=URL)
    if totals.open and not (limited or totals.replaying or totals.quarantined):
        unit = f"open in {totals.groups:,} {'failure' if totals.groups == 1 else 'failures'}"
    status, word = _verdict(totals, points)
    return Tile(
        title=TITLE,
        value=f"{totals.open:,}",
        unit=unit,
        status=status,
        word=word,
        points=points,
        span=f"last {trend.MINUTES} min",
        unfinished=True,
        at=now,
        url=URL,
    )


def _verdict(totals: groups.Totals, points: Sequence[float]) -> tuple[Status, str]:
    if storing.unread():  # what is counted says nothing of what waits in the topics
        return "crit", "Not stored"
    if not totals.open:
        return ("prog", "Replaying") if totals.replaying else ("ok", "None")
    return ("crit", "Arriving") if any(points[-trend.RECENT_MINUTES :]) else ("warn", "Waiting")


def attention(*, actor: access.Actor, now: datetime) -> Sequence[Item]:
    """The failure groups that need somebody, as the actor may see them: outages, then those with most open letters."""
    try:
        page = groups.page(actor=actor, search=search.EVERYTHING, now=now, limit=LOOKED_AT_MAX)
    except limits.TooSlow:
        return [_uncounted()]
    needy = [row for row in page.rows if row.standing.status in _ATTENTION]
    needy.sort(key=lambda row: (not row.standing.is_cause, -row.group.open_count, row.advice.act not in _ACTS))
    items = [_item(row, actor, place=place, now=now) for place, row in enumerate(needy[:ITEMS_MAX], start=1)]
    if len(needy) > ITEMS_MAX:
        items.append(_rest(needy[:ITEMS_MAX], page.totals or groups.totals(actor=actor, now=now)))
    return items


def _uncounted() -> Item:
    return Item(
        id="letters:uncounted",
        room="letters",
        status="unknown",
        word="Not counted",
        title="Your topics have too many dead letters to be counted by failure in time",
        since=None,
        url=OPEN_LETTERS_URL,
        act_label="Look",
        act_url=OPEN_LETTERS_URL,
    )


def _item(row: groups.Row, actor: access.Actor, *, place: int, now: datetime) -> Item:
    group = row.group
    url = f"{URL}groups/{group.id}/"
    cause = "" if group.cause == classify.UNKNOWN else group.get_cause_display()
    label, act_url, opens = _best_act(row, actor, url)
    return Item(
        id=f"letters:group:{group.id}",
        room="letters",
        status=row.standing.status,
        word=row.standing.word,
        title=f"{group.title}: {_counted(row, actor, now=now)}",
        detail=" · ".join(part for part in (group.topic, group.consumer_group, cause, row.advice.text) if part),
        since=group.first_seen,
        url=url,
        act_label=label,
        act_url=act_url,
        act_opens=opens,
        count=group.open_count or group.quarantined_count,
        topics=tuple(group.topics or group.sources),
        is_cause=row.standing.is_cause,
        place=place,
    )


def _counted(row: groups.Row, actor: access.Actor, *, now: datetime) -> str:
    """How its letters stand, and how many arrived lately, whatever became of those."""
    group = row.group
    counts = (
        (group.open_count, "open"),
        (group.replaying_count, "in a replay"),
        (group.quarantined_count, "quarantined"),
    )
    lately = arrivals.lately(group.pk, points=row.points, actor=actor, now=now)
    return ", ".join([*(f"{count:,} {word}" for count, word in counts if count), lately])


def _best_act(row: groups.Row, actor: access.Actor, url: str) -> tuple[str, str, Literal["page", "dialog"]]:
    """What the advice says, where the actor may do it: its label, its address, what that opens."""
    group, act = row.group, row.advice.act
    if act == "replay" and group.open_count and access.may(actor, "letters.replay", topics=group.topics):
        return "Plan a replay", f"/replays/plan/?group={group.id}", "page"
    if act == "discard" and group.open_count and access.may(actor, "letters.discard", topics=group.topics):
        return "Discard…", f"/discards/new/?group={group.id}", "dialog"
    return "Look", url, "page"


def _rest(shown: Sequence[groups.Row], left: groups.Totals) -> Item:
    more = left.groups - len(shown)
    letters = left.open - sum(row.group.open_count for row in shown)
    return Item(
        id="letters:rest",
        room="letters",
        status="warn",
        word="More",
        title=f"{more:,} more failure group{'s' * (more != 1)} with {letters:,} open letter{'s' * (letters != 1)}",
        since=None,
        url=URL,
        act_label="Look",
        act_url=URL,
        count=more,
        lines=more,
    )


def timeline(since: datetime, limit: int) -> Sequence[TimelineRow]:
    """New failure groups and recreated topics."""
    fresh = LetterGroup.objects.filter(first_seen__gt=since).order_by("-first_seen")[:limit]
    rows = [
        TimelineRow(
            at=group.first_seen,
            kind="machine",
            status="crit",
            text=f"New failure: {group.title}" + (f" in {group.topic}" if group.topic else ""),
            url=f"{URL}groups/{group.id}/",
            topics=tuple(group.topics or group.sources),
        )
        for group in fresh
    ]
    rows += [
        TimelineRow(
            at=source.first_seen,
            kind="machine",
            status="warn",
            text=f"The dead-letter topic {source.topic} was deleted and created again",
            url=f"{LETTERS_URL}?q=source:{source.topic}",
            topics=(source.topic,),
        )
        for source in sources.recreated(since=since, limit=limit)
    ]
    return sorted(rows, key=lambda row: row.at, reverse=True)[:limit]


def figures(*, now: datetime) -> Iterable[Figure]:
    """Letters per state and groups with something left, for Prometheus."""
    totals = groups.totals(actor=_EVERYTHING, now=now)
    for state in ("open", "replaying", "quarantined"):
        yield Figure(metric=names.LETTERS, value=getattr(totals, state), labels={"state": state})
    yield Figure(metric=names.LETTER_GROUPS, value=totals.groups)


def open_letters(consumer_group: str, *, now: datetime) -> Sample | None:
    """The signal ``letters.open``: open letters of a consumer group."""
    found = LetterGroup.objects.filter(consumer_group=consumer_group).aggregate(all=Sum("open_count"))["all"]
    return None if found is None else Sample(value=float(found), at=now, topics=_topics_of(consumer_group))


def letter_rate(consumer_group: str, *, now: datetime) -> Sample | None:
    """The signal ``letters.rate``: its letters of the last full minute; None for a group that had none ever."""
    if not LetterGroup.objects.filter(consumer_group=consumer_group).exists():
        return None
    minute = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
    rows = GroupMinute.objects.filter(group__consumer_group=consumer_group, minute=minute)
    count = rows.aggregate(all=Sum("count"))["all"] or 0
    return Sample(value=float(count), at=now, topics=_topics_of(consumer_group))


def _topics_of(consumer_group: str) -> tuple[str, ...]:
    """The topics that its letters came from, or where these are not known those that they stand in."""
    rows = LetterGroup.objects.filter(consumer_group=consumer_group).values_list("topics", "sources")
    return tuple(sorted({topic for topics, sources in rows for topic in topics or sources}))


def cause(subject: Subject, window: timedelta, *, now: datetime) -> Sequence[Fact]:
    """Failures of the last ``window`` that may explain trouble with a topic or a consumer group."""
    if subject.kind not in ("topic", "group"):
        return []
    about = Q(topics__contains=[subject.name]) if subject.kind == "topic" else Q(consumer_group=subject.name)
    found = LetterGroup.objects.filter(about, open_count__gt=0, last_seen__gte=now - window)
    return [
        Fact(
            kind="letters",
            text=f"{group.open_count:,} open letters: {group.title}",
            since=group.first_seen,
            severity="crit",
            url=f"{URL}groups/{group.id}/",
            topics=tuple(group.topics or group.sources),
        )
        for group in found.order_by("-open_count")[:ITEMS_MAX]
    ]


def check() -> CheckResult:
    """A line of doctor: which topics the patterns find, cluster by cluster."""
    pattern = re.compile(sources.topic_pattern())
    answers = clusters.each(_topics)
    missing = [f"{cluster}: {answer}" for cluster, answer in answers.items() if isinstance(answer, str)]
    found = [
        topic
        for answer in answers.values()
        if not isinstance(answer, str)
        for topic in answer
        if pattern.fullmatch(topic)
    ]
    if missing:
        return CheckResult(verdict="fail", found="; ".join(missing), remedy="See the check of Kafka.")
    shown = ", ".join(found[:TOPICS_NAMED_MAX]) + (" …" if len(found) > TOPICS_NAMED_MAX else "")
    if not found:
        return CheckResult(
            verdict="warn",
            found="no topic looks like a dead-letter topic",
            remedy="None is fine on a fresh cluster; else name yours in MAINSTAY_DLQ_TOPIC_PATTERNS: '^.*-dlt$'.",
        )
    return CheckResult(verdict="ok", found=f"{len(found)} topics: {shown}")


def _topics(cluster: str) -> list[str] | str:
    """The topics of a cluster, or why they are not known."""
    try:
        return sorted(clusters.admin(cluster, answer_s=CHECK_ANSWER_S).topics())
    except (ports.Unavailable, ports.Unsupported) as error:
        return str(error)
