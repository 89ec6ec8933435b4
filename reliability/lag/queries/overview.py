"""What the console's front page, timeline, search and doctor say of consumer lag."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from reliability import access
from reliability.console.domain.values import CheckResult, Item, Part, Sample, Status, Tile, TimelineRow
from reliability.lag.domain import sentences
from reliability.lag.domain.values import Word
from reliability.lag.models import Event, Group
from reliability.lag.queries import alerts, clusters, groups, history
from reliability.lag.queries.rows import Row

TITLE = "Consumer lag"
URL = "/lag/"
ITEMS_MAX = 5  # groups named one by one in the attention list; the rest is one line
TOPICS_ASKED_MAX = 2  # per item: this list is made anew with every page
TOPICS_NAMED_MAX = 3
FOUND_MAX = 5


def tile(*, actor: access.Actor, now: datetime) -> Tile:
    """What waits in all, the worst word, and the last hour of the group that is worst off."""
    polling = clusters.polling(actor=actor)
    if not polling.clusters:
        return Tile(
            title=TITLE, value="—", unit="nothing polled yet", status="unknown", word="No data", at=None, url=URL
        )
    standing = groups.standing(actor=actor)
    worst = next(iter(groups.page(actor=actor, limit=1).rows), None)
    status, word = _standing_in_words(standing, worst, polling, now=now)
    return Tile(
        title=TITLE,
        value=sentences.short_count(standing.lag or 0)
        if standing.lag is not None or _is_empty(standing, polling)
        else "?",
        unit=_unit(standing, worst, polling),
        status=status,
        word=word,
        points=worst.points if worst is not None and worst.is_in_trouble else (),
        span="last 60 min, the worst group" if worst is not None and worst.is_in_trouble else "",
        at=polling.polled_at,
        url=URL,
    )


def _is_empty(standing: groups.Standing, polling: clusters.Polling) -> bool:
    return polling.polled_at is not None and not standing.groups


def _standing_in_words(
    standing: groups.Standing, worst: Row | None, polling: clusters.Polling, *, now: datetime
) -> tuple[Status, str]:
    if polling.failing or (polling.polled_at and polling.is_old("", polling.polled_at, now=now)):
        return "unknown", "Not up to date"
    if worst is None:
        return "unknown", "No groups"
    if not standing.in_trouble:
        unknown = standing.words.get(Word.UNKNOWN, 0)
        return ("unknown", f"{unknown} unknown") if unknown else ("ok", "Keeping up")
    same = standing.words.get(worst.word, 0)
    others = standing.in_trouble - same
    label = sentences.LABELS[worst.word].lower()
    return worst.status, f"{same} {label}" if not others else f"{standing.in_trouble} in trouble"


def _unit(standing: groups.Standing, worst: Row | None, polling: clusters.Polling) -> str:
    if polling.polled_at is None:
        return "nothing polled yet"
    if worst is None or not standing.groups:
        return "no consumer group"
    return "records wait" if worst.is_in_trouble else f"records wait in {sentences.groups(standing.groups)}"


def attention(*, actor: access.Actor, now: datetime) -> Sequence[Item]:
    """Groups that need somebody, the worst first, and clusters that tell nothing. Muted groups are left out.

    A group needs somebody for its word, or for an alert that is up although it gets on: too far behind, too slow to
    catch up, about to lose records.
    """
    items = [_of_cluster(each) for each in clusters.polling(actor=actor).failing]
    found = groups.page(actor=actor, limit=groups.PAGE, with_hour=False).rows
    alerted = {alert.group_id: alert.text for alert in reversed(alerts.raised(without_verdicts=True))}
    others = groups.some(actor=actor, group_ids=alerted.keys() - {row.id for row in found})
    needy = [row for row in (*found, *others) if row.is_in_trouble or (row.id in alerted and not row.is_limited)]
    quiet = alerts.muted([row.id for row in needy], now=now)
    told = [row for row in needy if row.id not in quiet]
    items += [_of_group(row, actor, alert=alerted.get(row.id, "")) for row in told[:ITEMS_MAX]]
    hidden = len(told) - ITEMS_MAX
    if len(found) == groups.PAGE and found[-1].is_in_trouble:
        hidden += groups.standing(actor=actor).in_trouble - sum(row.is_in_trouble for row in found)
    return [*items, _rest(hidden)] if hidden > 0 else items


def _of_cluster(cluster: clusters.ClusterRow) -> Item:
    return Item(
        id=f"lag:cluster:{cluster.name}",
        room="lag",
        status="unknown",
        word="Not polled",
        title=f"Cluster {cluster.name} tells nothing about its consumer groups",
        detail=f"{cluster.error} · what is shown of it grows old",
        since=cluster.error_since,
        url=URL,
        act_label="Look",
        act_url=URL,
        is_cause=True,
        lines=0,
    )


def _of_group(row: Row, actor: access.Actor, *, alert: str) -> Item:
    url = group_url(row.id)
    return Item(
        id=f"lag:group:{row.id}",
        room="lag",
        status=row.status if row.is_in_trouble else "warn",
        word=sentences.LABELS[row.word] if row.is_in_trouble else "Alert",
        title=f"{row.name}: {_how_far(row)}",
        detail=" · ".join(
            part
            for part in ("" if row.is_limited else alert, row.reason or _topics(row), _cause(row, actor), _ahead(row))
            if part
        ),
        since=row.word_since,
        url=url,
        act_label="Look",
        act_url=url,
        topics=tuple(row.topics),
    )


def _how_far(row: Row) -> str:
    if row.word is Word.TRUNCATED:
        return f"{sentences.records(row.lost)} deleted unread"
    if row.lag is None:
        return "how far behind is not known"
    behind = f", {sentences.span(row.lag_s, at_least=row.at_least)} behind" if row.lag_s is not None else ""
    least = "at least " if row.untold else ""
    return f"{least}{sentences.records(row.lag)} {'waits' if row.lag == 1 else 'wait'}{behind}"


def _ahead(row: Row) -> str:
    course = sentences.course(trend=row.trend, lag=row.lag, eta_s=row.eta_s, growth_per_s=row.growth_per_s)
    return ", ".join(part for part in (course, sentences.loss(row.loss_s)) if part)


def _cause(row: Row, actor: access.Actor) -> str:
    facts = history.causes(actor=actor, row=row, topics=TOPICS_ASKED_MAX).facts
    return facts[0].text if facts else ""


def _topics(row: Row) -> str:
    more = len(row.topics) - TOPICS_NAMED_MAX
    return ", ".join(row.topics[:TOPICS_NAMED_MAX]) + (f" and {more} more" if more > 0 else "")


def _rest(more: int) -> Item:
    return Item(
        id="lag:rest",
        room="lag",
        status="warn",
        word="More",
        title=f"{more:,} more consumer groups are behind or stuck",
        since=None,
        url=URL,
        act_label="Look",
        act_url=URL,
        count=more,
        lines=more,
    )


def timeline(since: datetime, limit: int) -> Sequence[TimelineRow]:
    """Verdicts that came and went, rebalances, resets; each named after its group."""
    found = Event.objects.filter(at__gt=since).select_related("group").defer(*_LARGE).order_by("-at")[:limit]
    return [
        TimelineRow(
            at=event.at,
            kind="machine",
            status=history.status_in(event.status),
            text=f"{event.group.name}: {event.text}",
            url=group_url(event.group_id),
            topics=tuple(history.topics_of(event, event.group.topics)) or ("",),
        )
        for event in found
    ]


_LARGE = tuple(f"group__{name}" for name in ("rows", "members", "window", "per_topic", "facts"))


def find(actor: access.Actor, wanted: str) -> Sequence[Part]:
    """Consumer groups of which the name has this in it, the whole name first."""
    text = wanted.strip()
    if not text:
        return []
    found = groups.page(actor=actor, search=groups.Search(text=text), limit=groups.PAGE_MAX, with_hour=False).rows
    named = sorted((row for row in found if text.lower() in row.name.lower()), key=lambda row: row.name != text)
    return [
        Part(
            kind="consumer group",
            title=row.name,
            text=" · ".join(part for part in (_how_far(row), row.cluster, _topics(row)) if part),
            url=group_url(row.id),
            status=row.status,
            at=row.polled_at,
            word=sentences.LABELS[row.word],
        )
        for row in named[:FOUND_MAX]
    ]


def group_url(group_id: int) -> str:
    """Return the address of a group's page."""
    return f"{URL}groups/{group_id}/"


def check(*, now: datetime) -> CheckResult:
    """A line of doctor: whether lag is polled, and of how many groups."""
    polling = clusters.polling(actor=access.system_actor("doctor"))
    if not polling.clusters:
        return CheckResult(
            verdict="warn",
            found="no cluster was polled yet",
            remedy="The process that polls lag makes the first entry within seconds of its start.",
        )
    if polling.failing:
        found = "; ".join(f"{each.name}: {each.error}" for each in polling.failing)
        return CheckResult(verdict="fail", found=found, remedy="See the check of Kafka, and the ACL of the account.")
    count = Group.objects.filter(gone_at=None).count()
    old = [each for each in polling.clusters if each.polled_at and polling.is_old(each.name, each.polled_at, now=now)]
    if old:
        names = ", ".join(each.name for each in old)
        remedy = "Start the process that polls lag; until then what the page shows grows old."
        return CheckResult(verdict="warn", found=f"not polled for minutes: {names}", remedy=remedy)
    return CheckResult(verdict="ok", found=f"{sentences.groups(count)} polled")


def records(group: str) -> Sample | None:
    """The signal ``lag.records``: records that a consumer group is behind, in all clusters; None when not known."""
    found = [row for row in Group.objects.filter(name=group, gone_at=None) if row.lag is not None]
    return _sample(float(sum(row.lag or 0 for row in found)), found)


def seconds(group: str) -> Sample | None:
    """The signal ``lag.seconds``: how far a consumer group is behind, where it is furthest; None when not known."""
    found = [row for row in Group.objects.filter(name=group, gone_at=None) if row.lag_s is not None]
    return _sample(max((row.lag_s or 0.0 for row in found), default=0.0), found)


def _sample(value: float, rows: Sequence[Group]) -> Sample | None:
    topics = tuple(sorted({topic for row in rows for topic in row.topics}))
    return Sample(value=value, at=_read_at(rows), topics=topics) if rows else None


def _read_at(rows: Sequence[Group]) -> datetime:
    return min(row.polled_at for row in rows)
