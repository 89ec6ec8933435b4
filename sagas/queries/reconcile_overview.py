"""What the console's front page, search, doctor and metrics say of findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from urllib.parse import urlencode

from django.db.models import Count, Min

from reliability import access
from reliability.console.domain.values import CheckResult, Figure, Item, Part, Sample, Tile, TimelineRow
from reliability.kernel import text
from reliability.kernel.telemetry import names
from sagas import reconciliations
from sagas.domain.reconciling.finding import Note, State
from sagas.domain.reconciling.outcome import Outcome
from sagas.models import Finding, FindingEntry
from sagas.queries import comparisons, findings

URL = "/reconcile/"
FOUND_MAX = 10
_TOLD = {
    Note.OPENED: ("warn", "differs"),
    Note.NO_HELP: ("crit", "still differs after its repair"),
    Note.CLOSED: ("ok", "agrees again"),
}


def tile(*, now: datetime) -> Tile:
    """How many findings are open, and whether both sides are read."""
    number = findings.counts().get(State.OPEN, 0)
    troubled = [each for each in comparisons.watched(now=now) if each.is_late or each.word == Outcome.FAILED]
    status, word = (
        ("crit", "Not compared") if troubled else ("warn", "To be repaired") if number else ("ok", "Both sides agree")
    )
    if not reconciliations.known():
        status, word = "unknown", "None defined"
    more = "+" if number >= findings.COUNTED_MAX else ""
    return Tile(
        title="Reconcile",
        value=f"{number:,}{more}",
        unit="open findings",
        status=status,  # type: ignore[arg-type]
        word=word,
        url=URL,
        at=now,
    )


def attention(*, now: datetime) -> Sequence[Item]:
    """Findings that need a person, by difference; sides that are not read."""
    return [*_unread(now), *_open()]


def _unread(now: datetime) -> list[Item]:
    items = []
    for each in comparisons.watched(now=now):
        failed = each.word in (Outcome.FAILED, Outcome.PARTIAL)
        if not failed and not each.is_late:
            continue
        newest = each.newest
        items.append(
            Item(
                id=f"reconcile:unread:{each.defined.name}",
                room="reconcile",
                status="crit" if each.is_late or each.word == Outcome.FAILED else "warn",
                word="Not compared" if each.is_late or each.word == Outcome.FAILED else "Compared in part",
                is_cause=True,
                title=f"{each.defined.title}: {'no comparison ended in time' if each.is_late else 'not all was read'}",
                detail=newest.error if newest is not None and newest.error else "Look whether the bulk workers run.",
                since=newest.ended_at if newest is not None else None,
                url=URL,
                act_label="Look",
                act_url=URL,
                lines=0,
            )
        )
    return items


def _open() -> list[Item]:
    rows = (
        Finding.objects.filter(state=State.OPEN)
        .values("reconciliation", "difference")
        .annotate(count=Count("id"), since=Min("opened_at"))
        .order_by("since")[:20]
    )
    items = []
    for row in rows:
        defined = reconciliations.find(row["reconciliation"])
        kind = defined.difference(row["difference"]) if defined is not None else None
        asked = {"state": State.OPEN, "reconciliation": row["reconciliation"], "difference": row["difference"]}
        url = f"{URL}?{urlencode(asked)}"
        repair = kind.repairs[0].title if kind is not None and kind.repairs else "no repair is known: a person decides"
        items.append(
            Item(
                id=f"reconcile:{row['reconciliation']}:{row['difference']}",
                room="reconcile",
                status=kind.severity if kind is not None else "warn",
                word="Differs",
                title=f"{kind.title if kind is not None else row['difference']}: {row['count']:,}",
                detail=f"Repair: {repair}",
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
    """Findings that opened, closed, or were not helped by their repair."""
    rows = FindingEntry.objects.filter(at__gte=since, note__in=list(_TOLD)).order_by("-at")
    return [
        TimelineRow(
            at=row.at,
            kind="machine",
            status=_TOLD[Note(row.note)][0],  # type: ignore[arg-type]
            text=f"{row.finding.key} {_TOLD[Note(row.note)][1]}",
            url=f"{URL}{row.finding_id}/",
        )
        for row in rows.select_related("finding")[:limit]
    ]


def finder(actor: access.Actor, wanted: str) -> Sequence[Part]:
    """Findings whose key begins so, and that are not closed."""
    if not access.may(actor, "reconcile.view") or not text.is_storable(wanted):
        return []
    rows = Finding.objects.filter(key__startswith=wanted, rank__lt=4, version__gt=0).order_by("key")[:FOUND_MAX]
    return [
        Part(
            kind="finding",
            title=row.key,
            text=f"finding, {row.state}: {row.difference.replace('_', ' ')}",
            url=f"{URL}{row.id}/",
            at=row.changed_at,
        )
        for row in rows
    ]


def figures(*, now: datetime) -> Iterable[Figure]:
    """Findings by state; how old the newest whole comparison is, and what has none."""
    counts = findings.counts()
    for state in State:
        if state is not State.NONE:
            yield Figure(metric=names.FINDINGS, value=float(counts.get(state, 0)), labels={"state": str(state)})
    never = 0
    for each in comparisons.watched(now=now):
        if each.newest is None or each.newest.ended_at is None:
            never += 1
            continue
        age = (now - each.newest.ended_at).total_seconds()
        yield Figure(metric=names.COMPARISON_AGE, value=age, labels={"reconciliation": each.defined.name})
    yield Figure(metric=names.NEVER_COMPARED, value=never)


def open_findings(*, now: datetime) -> Sample:
    """How many findings need a person."""
    return Sample(value=float(findings.counts().get(State.OPEN, 0)), at=now)


def check(*, now: datetime) -> CheckResult:
    """Whether both sides of every reconciliation are read in time."""
    for each in comparisons.watched(now=now):
        if each.is_late:
            return CheckResult(
                verdict="fail",
                found=f"{each.defined.name}: no comparison came to its end in time",
                remedy="Start the Celery worker of the queue bulk, with the code of the reconciliation installed.",
            )
        if each.word in (Outcome.FAILED, Outcome.PARTIAL) and each.newest is not None:
            return CheckResult(
                verdict="warn",
                found=f"{each.defined.name}: {each.newest.error}",
                remedy="Mend the side that does not answer; what was read is compared all the same.",
            )
    number = findings.counts().get(State.OPEN, 0)
    return CheckResult(verdict="ok", found=f"{len(reconciliations.known())} reconciliations, {number} open findings")
