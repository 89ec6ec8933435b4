"""What the console's front page, search, doctor and metrics say of sagas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Count, Min

from reliability import access
from reliability.console.domain.values import CheckResult, Figure, Item, Part, Sample, Tile, TimelineRow
from reliability.kernel import text
from reliability.kernel.telemetry import names
from sagas.domain.history import Kind
from sagas.domain.state import Status
from sagas.models import Event, Saga
from sagas.queries import lists

URL = "/sagas/"
STUCK_URL = f"{URL}?state={lists.STUCK}"
FOUND_MAX = 10
_TOLD = {
    Kind.PARKED: ("crit", "needs a person"),
    Kind.COMPENSATED: ("warn", "was undone"),
    Kind.TURNED: ("warn", "goes back"),
}


def tile(*, now: datetime) -> Tile:
    """How many sagas are open, and whether one is stuck."""
    counts = lists.counts(now=now)
    stuck = counts.by_status.get(Status.NEEDS_OPERATOR, 0)
    status, word = (
        ("crit", "Nobody takes them") if counts.untaken else ("crit", "Stuck") if stuck else ("ok", "Flowing")
    )
    more = "+" if counts.open >= lists.COUNTED_MAX else ""
    return Tile(title="Sagas", value=f"{counts.open:,}{more}", unit="open", status=status, word=word, url=URL, at=now)  # type: ignore[arg-type]


def attention(*, now: datetime) -> Sequence[Item]:
    """Sagas that need a person, by definition and step; sagas that no worker takes."""
    return [*_untaken(now), *_parked()]


def _untaken(now: datetime) -> list[Item]:
    late = Saga.objects.filter(lists.untaken(now)).aggregate(count=Count("id"), since=Min("due_at"))
    if not late["count"]:
        return []
    return [
        Item(
            id="sagas:untaken",
            room="sagas",
            status="crit",
            word="Nobody takes them",
            is_cause=True,
            title=f"{late['count']:,} due {'saga' if late['count'] == 1 else 'sagas'}, and no worker takes them",
            detail="Look whether the workers run, and whether they have the code of the definitions.",
            since=late["since"],
            url=STUCK_URL,
            count=late["count"],
            lines=late["count"],
            act_label="Look",
            act_url=STUCK_URL,
        )
    ]


def _parked() -> list[Item]:
    rows = (
        Saga.objects.filter(status=Status.NEEDS_OPERATOR)
        .values("definition", "step", "parked")
        .annotate(count=Count("id"), since=Min("changed_at"))
        .order_by("since")[:20]
    )
    items = []
    for row in rows:
        where = f"{row['definition']}, {row['step']}" if row["step"] else row["definition"]
        url = f"{URL}?state={Status.NEEDS_OPERATOR}&definition={row['definition']}&step={row['step']}"
        items.append(
            Item(
                id=f"sagas:parked:{row['definition']}:{row['step']}:{row['parked']}",
                room="sagas",
                status="crit",
                word="Needs a person",
                title=f"{row['count']:,} {'saga needs' if row['count'] == 1 else 'sagas need'} a person: {where}",
                detail=str(row["parked"]).replace("_", " "),
                since=row["since"],
                url=url,
                count=row["count"],
                lines=row["count"],
                act_label="Look",
                act_url=url,
            )
        )
    return items


def timeline(since: datetime, limit: int) -> Sequence[TimelineRow]:
    """Sagas that went back or need a person."""
    rows = Event.objects.filter(at__gte=since, kind__in=list(_TOLD)).order_by("-at").select_related("saga")[:limit]
    return [
        TimelineRow(
            at=row.at,
            kind="machine",
            status=_TOLD[Kind(row.kind)][0],  # type: ignore[arg-type]
            text=f"Saga {row.saga.definition} {row.saga.key} {_TOLD[Kind(row.kind)][1]}",
            url=f"{URL}{row.saga_id}/",
        )
        for row in rows
    ]


def finder(actor: access.Actor, wanted: str) -> Sequence[Part]:
    """Sagas whose business key begins so."""
    if not access.may(actor, "sagas.view") or not text.is_storable(wanted):
        return []
    rows = Saga.objects.filter(key__startswith=wanted).order_by("key")[:FOUND_MAX]
    return [
        Part(
            kind="saga",
            title=row.key,
            text=f"saga of {row.definition}, {row.status.replace('_', ' ')}",
            url=f"{URL}{row.id}/",
            at=row.changed_at,
        )
        for row in rows
    ]


def figures(*, now: datetime) -> Iterable[Figure]:
    """Sagas by status, and those that nobody takes."""
    counts = lists.counts(now=now)
    for status in Status:
        yield Figure(metric=names.SAGAS, value=float(counts.by_status.get(status, 0)), labels={"status": str(status)})
    yield Figure(metric=names.SAGAS_UNTAKEN, value=float(counts.untaken))


def stuck(*, now: datetime) -> Sample:
    """How many sagas need a person."""
    counts = lists.counts(now=now)
    return Sample(value=float(counts.by_status.get(Status.NEEDS_OPERATOR, 0) + counts.untaken), at=now)


def check(*, now: datetime) -> CheckResult:
    """Whether what is due is taken."""
    counts = lists.counts(now=now)
    if counts.untaken:
        remedy = "Start the Celery worker of the queue standard, with the code of the definitions installed."
        return CheckResult(verdict="fail", found=f"{counts.untaken} due sagas that no worker takes", remedy=remedy)
    stuck_now = counts.by_status.get(Status.NEEDS_OPERATOR, 0)
    return CheckResult(verdict="ok", found=f"{counts.open} open, {stuck_now} of them need a person")
