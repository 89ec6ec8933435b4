"""A finding's row and the value that the rules work on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Final

from sagas.domain import codec
from sagas.domain.reconciling.finding import Entry, Finding, State
from sagas.models import Finding as Row
from sagas.models import FindingEntry

RANKS: Final = {
    State.OPEN: 0,
    State.REPAIRING: 1,
    State.WATCHED: 2,
    State.DISMISSED: 3,
    State.CLOSED: 4,
    State.NONE: 4,
}
_FIELDS: Final = tuple(each.name for each in fields(Finding))


def value(row: Row) -> Finding:
    """Return a row as the rules know it."""
    found = {name: getattr(row, name) for name in _FIELDS}
    return Finding(**(found | {"state": State(row.state)}))


def put(row: Row, finding: Finding, entries: Sequence[Entry], *, at: datetime) -> list[FindingEntry]:
    """Change a locked row to what ``finding`` says; return the lines of its history, numbered, to be stored."""
    for name, each in asdict(finding).items():
        setattr(row, name, each)
    row.rank = RANKS[finding.state]
    if entries:
        row.changed_at = at
    lines = []
    for entry in entries:
        row.version += 1
        lines.append(
            FindingEntry(
                finding_id=row.id,
                version=row.version,
                at=entry.at,
                note=entry.note,
                data=codec.packed(dict(entry.data), bytes_max=None),
                actor=entry.actor,
            )
        )
    return lines
