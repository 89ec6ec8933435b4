"""Lists of sagas: what needs a person first, then what goes on, then what is over; the newest change first in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from reliability.kernel.errors import Refused
from sagas import definitions
from sagas.domain.standing import LATE_AFTER, Facts, Standing, standing
from sagas.domain.state import Status
from sagas.models import Saga
from sagas.queries.histories import NoSuchSaga

PAGE = 50
COUNTED_MAX = 10_000  # a count for people: beyond it "10,000+" says as much, and costs no more

OPEN = "open"
STUCK = "stuck"
"""Words for a state besides the statuses: not over; needs a person, or due and taken by nobody."""


class WrongFilter(Refused):
    """The filter is wrong."""

    code = "wrong-filter"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a list is narrowed to; empty values narrow nothing. ``key`` is a beginning, ``error`` a part."""

    key: str = ""
    state: str = ""
    definition: str = ""
    step: str = ""
    error: str = ""
    older_than: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Behind which row a page begins."""

    rank: int
    changed_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A row of a list: the saga and how it stands."""

    saga: Saga
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a list; ``next`` is None at its end."""

    rows: Sequence[Listed]
    next: Cursor | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many there are, ``COUNTED_MAX`` at most: by status, and of those that nobody takes."""

    by_status: dict[str, int]
    untaken: int

    @property
    def open(self) -> int:
        """How many are not over."""
        active = (Status.NEEDS_OPERATOR, Status.RUNNING, Status.COMPENSATING)
        return sum(self.by_status.get(status, 0) for status in active)


def page(wanted: Filter, *, now: datetime, after: Cursor | None = None, limit: int = PAGE) -> Page:
    """Return a page of what ``wanted`` lets through; raises ``WrongFilter``."""
    rows = _filtered(wanted, now)
    if after is not None:
        behind = Q(changed_at__lt=after.changed_at) | Q(changed_at=after.changed_at, id__lt=after.id)
        rows = rows.filter(Q(rank__gt=after.rank) | (Q(rank=after.rank) & behind))
    found = list(rows.order_by("rank", "-changed_at", "-id")[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return Page(
        rows=[Listed(saga=row, standing=of(row, now=now)) for row in found[:limit]],
        next=Cursor(rank=last.rank, changed_at=last.changed_at, id=last.id) if last is not None else None,
    )


def ids(wanted: Filter, *, now: datetime, limit: int) -> list[UUID]:
    """Return the first ``limit`` of what ``wanted`` lets through, in the order of the list; raises ``WrongFilter``."""
    rows = _filtered(wanted, now).order_by("rank", "-changed_at", "-id")
    return list(rows.values_list("id", flat=True)[:limit])


def count(wanted: Filter, *, now: datetime, most: int) -> int:
    """Return how many ``wanted`` lets through, ``most`` at most; raises ``WrongFilter``."""
    return len(_filtered(wanted, now).order_by().values_list("id")[:most])


def statuses(saga_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return how those of the sagas stand that there are."""
    return dict(Saga.objects.filter(id__in=saga_ids).values_list("id", "status"))


def row(saga_id: UUID) -> Saga:
    """Return one saga's row; raises ``NoSuchSaga``."""
    found = Saga.objects.filter(id=saga_id).first()
    if found is None:
        raise NoSuchSaga(f"There is no saga {saga_id}.")
    return found


def of(row: Saga, *, now: datetime) -> Standing:
    """Return how a row's saga stands."""
    facts = Facts(
        status=row.status,
        step=row.step,
        side=row.side,
        effect=row.effect,
        attempts=row.attempts,
        waits_for=row.waits_for,
        parked=row.parked,
        reason=row.reason,
        error=row.error,
        due_at=row.due_at,
        look_at=row.due_at if row.look_at is not None and not row.worker else row.look_at,
        deadline=row.deadline,
        has_code=definitions.find(row.definition, row.definition_version) is not None,
    )
    return standing(facts, now=now)


def counts(*, now: datetime) -> Counts:
    """Count what is kept, each status up to ``COUNTED_MAX``."""
    asked = " UNION ALL ".join(
        "(SELECT %s, count(*) FROM (SELECT 1 FROM sagas_saga WHERE status = %s LIMIT %s) AS kept)" for _ in Status
    )
    values = [value for status in Status for value in (str(status), str(status), COUNTED_MAX)]
    with connection.cursor() as cursor:
        cursor.execute(asked, values)
        by_status = dict(cursor.fetchall())
        cursor.execute(
            "SELECT count(*) FROM (SELECT 1 FROM sagas_saga WHERE rank = 1 AND (look_at < %s"
            " OR (worker = '' AND look_at IS NOT NULL AND due_at < %s)) LIMIT %s) AS kept",
            [now - LATE_AFTER, now - LATE_AFTER, COUNTED_MAX],
        )
        (untaken,) = cursor.fetchone()
    return Counts(by_status=by_status, untaken=untaken)


def untaken(now: datetime) -> Q:
    """What is due and taken by nobody: no worker had it, or the one that did is dead. Being put off counts as well."""
    late = now - LATE_AFTER
    return Q(rank=1) & (Q(look_at__lt=late) | Q(worker="", look_at__isnull=False, due_at__lt=late))


def names() -> list[str]:
    """Return the names of definitions that there are sagas of, or the code of, in order."""
    kept = set(Saga.objects.order_by("definition").values_list("definition", flat=True).distinct())
    return sorted(kept | {each.name for each in definitions.known()})


def _filtered(wanted: Filter, now: datetime) -> QuerySet[Saga]:
    rows = _in_state(Saga.objects.all(), wanted.state, now)
    if wanted.key:
        rows = rows.filter(key__startswith=wanted.key)
    if wanted.definition:
        rows = rows.filter(definition=wanted.definition)
    if wanted.step:
        rows = rows.filter(step=wanted.step)
    if wanted.error:
        rows = rows.filter(Q(error__icontains=wanted.error) | Q(reason__icontains=wanted.error))
    if wanted.older_than is not None:
        rows = rows.filter(started_at__lt=now - wanted.older_than)
    return rows


def _in_state(rows: QuerySet[Saga], state: str, now: datetime) -> QuerySet[Saga]:
    if not state:
        return rows
    if state == OPEN:
        return rows.filter(rank__lt=2)
    if state == STUCK:
        return rows.filter(Q(rank=0) | untaken(now))
    if state not in set(Status):
        raise WrongFilter(f"{state!r} is no state; there are {OPEN}, {STUCK}, {', '.join(Status)}.")
    return rows.filter(status=state)
