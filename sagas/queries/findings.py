"""Findings as the reconciler and its pages need them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from django.db import connection
from django.db.models import Count, Q, QuerySet

from reliability.kernel.errors import Refused
from sagas.domain import codec
from sagas.domain.reconciling.finding import Note, State
from sagas.models import Finding, FindingEntry

Row = Finding
"""A finding as it is stored, for those who show it."""
PAGE: Final = 50
COUNTED_MAX: Final = 10_000
NEEDS: Final = "open"
ACTIVE: Final = "active"
"""Words for states besides their own names: everything that is not closed."""
HISTORY_MAX: Final = 500  # lines of one finding that a page shows; the newest ones


class NoSuchFinding(Refused):
    """There is no such finding."""

    code = "not-found"
    status = 404


class WrongFilter(Refused):
    """The filter is wrong."""

    code = "wrong-filter"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a list is narrowed to; empty values narrow nothing. ``key`` is a beginning."""

    state: str = ACTIVE
    reconciliation: str = ""
    difference: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a finding's history."""

    at: datetime
    note: Note
    data: dict[str, Any]
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a list; ``next`` names the row behind which the next one begins, None at its end."""

    rows: Sequence[Finding]
    next: int | None


def page(wanted: Filter, *, after: int = 0, limit: int = PAGE) -> Page:
    """Return findings, what needs a person first, then the oldest; raises ``WrongFilter`` and ``NoSuchFinding``."""
    rows = filtered(wanted)
    if after:
        row = one(after)
        rank, opened = row.rank, row.opened_at
        if opened is None:
            behind = Q(opened_at=None, id__gt=row.id)
        else:
            behind = Q(opened_at__gt=opened) | Q(opened_at=opened, id__gt=row.id) | Q(opened_at=None)
        rows = rows.filter(Q(rank__gt=rank) | (Q(rank=rank) & behind))
    found = list(rows.order_by("rank", "opened_at", "id")[: limit + 1])
    return Page(rows=found[:limit], next=found[limit - 1].id if len(found) > limit else None)


def filtered(wanted: Filter) -> QuerySet[Finding]:
    """Return what a filter lets through, in no order; raises ``WrongFilter``."""
    rows = Finding.objects.filter(version__gt=0)
    if wanted.state == ACTIVE:
        rows = rows.filter(rank__lt=4)
    elif wanted.state:
        if wanted.state not in set(State) - {State.NONE}:
            known = ", ".join(state for state in State if state is not State.NONE)
            raise WrongFilter(f"{wanted.state!r} is no state; there are {ACTIVE}, {known}.")
        rows = rows.filter(state=wanted.state)
    if wanted.reconciliation:
        rows = rows.filter(reconciliation=wanted.reconciliation)
    if wanted.difference:
        rows = rows.filter(difference=wanted.difference)
    if wanted.key:
        rows = rows.filter(key__startswith=wanted.key)
    return rows


def one(finding_id: int) -> Finding:
    """Return a finding; raises ``NoSuchFinding``."""
    found = Finding.objects.filter(id=finding_id, version__gt=0).first() if 0 < finding_id < 2**63 else None
    if found is None:
        raise NoSuchFinding(f"There is no finding {finding_id}.")
    return found


def some(ids: Sequence[int]) -> list[Finding]:
    """Return the findings of these ids that there are."""
    return list(Finding.objects.filter(id__in=list(ids), version__gt=0))


def sides(row: Finding) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what both sides said at the last look."""
    return orjson.loads(row.expected), orjson.loads(row.seen)


def history(finding_id: int) -> list[Line]:
    """Return the newest lines of a finding's history, newest first."""
    rows = FindingEntry.objects.filter(finding_id=finding_id).order_by("-version")[:HISTORY_MAX]
    return [Line(at=row.at, note=Note(row.note), data=codec.unpacked(row.data), actor=row.actor) for row in rows]


def counts() -> dict[str, int]:
    """Return how many findings there are in each state, ``COUNTED_MAX`` at most."""
    asked = " UNION ALL ".join(
        "(SELECT %s, count(*) FROM (SELECT 1 FROM sagas_finding WHERE state = %s LIMIT %s) AS kept)" for _ in State
    )
    values = [value for state in State for value in (str(state), str(state), COUNTED_MAX)]
    with connection.cursor() as cursor:
        cursor.execute(asked, values)
        return dict(cursor.fetchall())


def counts_like(wanted: Filter) -> dict[str, int]:
    """Return how many findings a filter lets through in each state, whichever it names; ``COUNTED_MAX`` at most."""
    if not (wanted.key or wanted.reconciliation or wanted.difference):
        return counts()
    states = [state for state in State if state is not State.NONE]
    return {str(state): filtered(replace(wanted, state=state))[:COUNTED_MAX].count() for state in states}


def by_difference(wanted: Filter) -> list[tuple[str, str, int]]:
    """Return reconciliation, difference and count of what is open of that which a filter lets through, whichever
    difference it names; the most frequent first."""
    rows = filtered(replace(wanted, state=State.OPEN, difference=""))
    found = rows.values_list("reconciliation", "difference").annotate(n=Count("id"))
    return sorted(found, key=lambda each: (-each[2], each[0], each[1]))


def by_key(key: str) -> list[Finding]:
    """Return the findings of a key, in any reconciliation."""
    return list(Finding.objects.filter(key=key, version__gt=0).order_by("rank", "-changed_at")[:PAGE])


def unlooked(reconciliation: str, *, before: datetime, at_a_time: int) -> Iterator[list[str]]:
    """Yield keys of findings that are not closed and that no look has told of since ``before``, some at a time."""
    after = 0
    while True:
        rows = list(
            Finding.objects.filter(reconciliation=reconciliation, rank__lt=4, looked_at__lt=before, id__gt=after)
            .order_by("id")
            .values_list("id", "key")[:at_a_time]
        )
        if not rows:
            return
        after = rows[-1][0]
        yield [key for _, key in rows]


def in_motion(reconciliation: str, keys: Sequence[str], *, now: datetime) -> dict[timedelta, list[str]]:
    """Return after how long which of ``keys`` are to be looked at again: repairs under way, graces that end."""
    found: dict[timedelta, list[str]] = defaultdict(list)
    rows = Finding.objects.filter(
        reconciliation=reconciliation, key__in=list(keys), state__in=[State.REPAIRING, State.WATCHED]
    )
    for key, opens_at in rows.values_list("key", "opens_at"):
        found[opens_at - now if opens_at is not None else timedelta(0)].append(key)
    return found


def unrepaired(reconciliation: str, difference: str, *, limit: int) -> list[int]:
    """Return open findings of a difference on which no repair was tried yet, the oldest first."""
    rows = Finding.objects.filter(
        reconciliation=reconciliation, difference=difference, state=State.OPEN, repairs=0
    ).order_by("opened_at", "id")
    return list(rows.values_list("id", flat=True)[:limit])


def repaired_by(actor: str, reconciliation: str, repair: str, *, since: timedelta) -> int:
    """Return how many repairs of that name ``actor`` applied within the last ``since``."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM sagas_findingentry AS line JOIN sagas_finding AS found ON found.id = line.finding_id"
            " WHERE line.at > clock_timestamp() - make_interval(secs => %s) AND line.note = 'applied'"
            " AND line.actor = %s AND found.reconciliation = %s AND line.data::json ->> 'repair' = %s",
            [since.total_seconds(), actor, reconciliation, repair],
        )
        return int(cursor.fetchone()[0])
