"""Writing down what looks at keys found: findings open, change and close by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import orjson
from django.db import connection, transaction

from reliability import live
from sagas.domain.reconciling import finding as rules
from sagas.domain.reconciling.comparing import Judged
from sagas.domain.reconciling.definition import Reconciliation
from sagas.domain.reconciling.finding import Entry, Finding, Note
from sagas.domain.reconciling.pair import Pair, plain
from sagas.models import Finding as Row
from sagas.models import FindingEntry
from sagas.operations.reconciling import rows

KEYS_MAX: Final = 500  # written in one transaction: bounds its locks and the memory of one look

_COLUMNS: Final = {
    **dict.fromkeys(("state", "difference", "fingerprint", "why", "violated", "expected", "seen", "repair"), "text"),
    **dict.fromkeys(("rank", "episode", "version", "repairs"), "int"),
    **dict.fromkeys(
        ("first_at", "opens_at", "opened_at", "looked_at", "acted_at", "changed_at", "ended_at", "patient_until"),
        "timestamptz",
    ),
}
# One statement with arrays: Django's bulk_update writes an expression for every row and column, slow and large.
_UPDATE: Final = f"""
UPDATE sagas_finding SET {", ".join(f"{name} = new.{name}" for name in _COLUMNS)}
FROM unnest(%s::bigint[], {", ".join(f"%s::{kind}[]" for kind in _COLUMNS.values())})
     AS new (id, {", ".join(_COLUMNS)})
WHERE sagas_finding.id = new.id
"""  # noqa: S608 - names of columns, from above


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """How many findings a look opened and closed, and on how many keys the sides differ."""

    differing: int = 0
    opened: int = 0
    closed: int = 0

    def __add__(self, other: Observed) -> Observed:
        return Observed(
            differing=self.differing + other.differing,
            opened=self.opened + other.opened,
            closed=self.closed + other.closed,
        )


def observe(reconciliation: Reconciliation, found: Sequence[Judged], *, at: datetime) -> Observed:
    """Write down what was found of at most ``KEYS_MAX`` keys by a look that tells of the time ``at``.

    Two looks at once take turns by the rows' locks; the one that tells of the earlier time then changes nothing.
    """
    judged = {each.pair.key: each for each in found if not each.error}
    if not judged:
        return Observed()
    total = Observed(differing=sum(bool(each.difference) for each in judged.values()))
    with transaction.atomic():
        locked = _locked(reconciliation.name, judged)
        lines: list[FindingEntry] = []
        moved: list[Row] = []
        for row in locked:
            before, entries = _looked(reconciliation, row, judged[row.key], at)
            lines += entries
            if entries or row.looked_at != before.looked_at:
                moved.append(row)
            notes = {line.note for line in entries}
            total += Observed(opened=int(Note.OPENED in notes), closed=int(Note.CLOSED in notes))
        _update(moved)
        FindingEntry.objects.bulk_create(lines)
        if lines:
            live.changed("findings")
            for finding_id in {line.finding_id for line in lines}:
                live.changed(f"finding:{finding_id}")
    return total


def _update(moved: Sequence[Row]) -> None:
    if moved:
        values = [[row.id for row in moved], *([getattr(row, name) for row in moved] for name in _COLUMNS)]
        with connection.cursor() as cursor:
            cursor.execute(_UPDATE, values)


def _locked(name: str, judged: dict[str, Judged]) -> list[Row]:
    """The rows of those keys, each differing one has one; locked in the order of their keys, so that two take turns."""
    known = set(Row.objects.filter(reconciliation=name, key__in=judged).values_list("key", flat=True))
    new = [key for key, each in judged.items() if each.difference and key not in known]
    Row.objects.bulk_create(
        [Row(reconciliation=name, key=key, state=rules.State.NONE, rank=rows.RANKS[rules.State.NONE]) for key in new],
        ignore_conflicts=True,
    )
    return list(Row.objects.select_for_update().filter(reconciliation=name, key__in=[*known, *new]).order_by("key"))


def _looked(
    reconciliation: Reconciliation, row: Row, judged: Judged, at: datetime
) -> tuple[Finding, list[FindingEntry]]:
    before = rows.value(row)
    kind = reconciliation.difference(judged.difference)
    after, entries = rules.look(before, judged, grace=kind.grace if kind is not None else timedelta(0), at=at)
    if after == before:
        return before, []
    _show(row, judged)
    return before, rows.put(row, after, _told(entries, judged.pair), at=at)


def _show(row: Row, judged: Judged) -> None:
    """What is shown of the key: both sides as they are; what was wrong stays when they agree."""
    row.expected = orjson.dumps(plain(judged.pair.expected)).decode()
    row.seen = orjson.dumps(plain(judged.pair.seen)).decode()
    row.violated = orjson.dumps(judged.violated).decode()
    if judged.difference:
        row.why = judged.why


def _told(entries: Sequence[Entry], pair: Pair) -> list[Entry]:
    """Each line of the history with what both sides said at that moment."""
    sides = {"expected": plain(pair.expected), "seen": plain(pair.seen)}
    return [rules.Entry(note=each.note, at=each.at, data={**each.data, **sides}, actor=each.actor) for each in entries]
