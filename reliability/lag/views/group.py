"""One consumer group: its verdict, why, where it goes, its history, partitions and members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from reliability import access
from reliability.console.views.acts import told
from reliability.kernel import clock
from reliability.lag.domain import charting, sentences, verdict
from reliability.lag.domain.summary import NOBODY, MemberRow, PartitionRow
from reliability.lag.domain.values import Word
from reliability.lag.models import Group
from reliability.lag.queries import alerts, charts, clusters, groups, history, topics
from reliability.lag.queries.rows import Row, number_in
from reliability.lag.views import chart, wording
from reliability.live import fragment

PARTITIONS_SHOWN, PARTITIONS_MAX = 50, 2_000
MEMBERS_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionShown:
    """A partition in words."""

    row: PartitionRow
    status: str
    label: str
    lag: str
    behind: str
    owner: str
    host: str
    topic_id: int | None
    held: int | None
    """Records of transactions that are open."""


@require_safe
@access.requires("lag.view")
@told
def page(request: HttpRequest, group_id: int) -> HttpResponse:
    """The page; its one region asks for itself."""
    actor, now = access.actor_of(request), clock.SYSTEM.now()
    row, group, partitions, members = groups.one(actor=actor, group_id=group_id)
    polling = clusters.polling(actor=actor)
    known = topics.ids(cluster=row.cluster, names=row.topics)
    asked = charting.range_of(request.GET.get("range", ""))
    whole = "partitions" in request.GET
    shown_partitions = _worst_first(partitions)[: PARTITIONS_MAX if whole else PARTITIONS_SHOWN]
    picture = charts.of_group(actor=actor, row=row, asked=asked, now=now)
    happened = history.of_group(actor=actor, row=row)
    facts = {} if row.is_limited else group.facts
    context: dict[str, Any] = {
        "title": row.name,
        "now": now,
        "row": row,
        "group": group,
        "shown": wording.shown(row, polling, now=now),
        "polling": polling,
        "verdict": _verdict(row),
        "causes": history.causes(actor=actor, row=row) if _is_asked_why(row) else None,
        "figures": wording.figures(row, facts),
        "advice": _text_in(facts, "advice"),
        "skew": sentences.unevenness(number_in(facts, "skew"), number_in(facts, "lag_skew")),
        "alerts": [] if row.is_limited else alerts.raised(group_id=row.id),
        "mute": alerts.muted([row.id], now=now).get(row.id),
        "problem": _text_in(facts, "problem"),
        "facts": wording.facts(row, group),
        "topics": [(topic, known.get(topic)) for topic in row.topics],
        "partitions": [_partition(each, members, known) for each in shown_partitions],
        "partitions_left": len(partitions) - len(shown_partitions),
        "members": _members(members),
        "members_left": max(0, len(members) - MEMBERS_SHOWN),
        "members_known": row.members is not None or row.is_limited,
        "happened": happened,
        "may_mute": access.may(actor, "lag.mute", topics=row.topics) and not row.is_limited,
        "may_reset": access.may(actor, "lag.reset", topics=row.topics),
        **chart.context(picture, happened, now=now),
    }
    return fragment.page(request, "lag/group.html", context, regions={"group": _seen(context, group)})


def _seen(context: Mapping[str, Any], group: Group) -> object:
    polling: clusters.Polling = context["polling"]
    causes = context["causes"]
    return [
        context["row"],
        context["shown"].is_old,
        [each.row for each in context["partitions"]],
        context["members"],
        [causes.facts, causes.unread] if causes else None,
        [[each.text for each in context["alerts"]], context["mute"]],
        [context[name] for name in ("advice", "skew", "problem", "chart_data", "happened", "facts")],
        [polling.is_running, [(each.name, each.error) for each in polling.clusters]],
        group.empty_since,
    ]


def _is_asked_why(row: Row) -> bool:
    return row.is_in_trouble or bool(row.lag and row.trend == "growing")


def _verdict(row: Row) -> str:
    """One sentence: the reason, or for who sees a part only what the word means."""
    if row.reason:
        return row.reason
    of = "of your topics" if row.is_limited else "of it"
    return f"{sentences.MEANINGS[row.word]}: the worst partition {of}"


def _text_in(facts: Mapping[str, object], key: str) -> str:
    """Return a sentence of a group's facts, plain or under "text"; "" when there is none."""
    found = facts.get(key)
    if isinstance(found, Mapping):
        found = found.get("text")
    return found if isinstance(found, str) else ""


def _worst_first(partitions: Sequence[PartitionRow]) -> list[PartitionRow]:
    def pain(row: PartitionRow) -> tuple[int, int, int, str, int]:
        return -verdict.SEVERITY[Word(row.word)], -row.lost, -(row.lag or 0), row.topic, row.partition

    return sorted(partitions, key=pain)


def _partition(row: PartitionRow, members: Sequence[MemberRow], known: Mapping[str, int]) -> PartitionShown:
    owner = members[row.owner] if 0 <= row.owner < len(members) else None
    word = Word(row.word)
    return PartitionShown(
        row=row,
        status=verdict.status_of(word),
        label=sentences.LABELS[word],
        lag=sentences.count(row.lag),
        behind="—" if row.lag is None and row.lag_s is None else sentences.span(row.lag_s, at_least=row.at_least),
        owner=owner.client_id if owner else ("nobody" if row.owner == NOBODY else sentences.NOT_KNOWN),
        host=owner.host.lstrip("/") if owner else "",
        topic_id=known.get(row.topic),
        held=None if row.end is None or row.stable is None else max(0, row.end - row.stable),
    )


def _members(members: Sequence[MemberRow]) -> list[MemberRow]:
    """Who has most to do first, the idle last."""
    ordered = sorted(members, key=lambda each: (-(each.lag or 0), -each.owns, each.client_id, each.id))
    return [each._replace(host=each.host.lstrip("/")) for each in ordered[:MEMBERS_SHOWN]]
