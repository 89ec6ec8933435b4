"""How pages call what findings are in, and how they show what the two sides say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from reliability.kernel.text import printable
from sagas import reconciliations
from sagas.domain.reconciling.comparing import UNCLASSIFIED
from sagas.domain.reconciling.definition import Difference
from sagas.domain.reconciling.finding import Note, State
from sagas.domain.reconciling.outcome import Outcome
from sagas.queries.findings import Row as Finding

STATES: Final[dict[State, tuple[str, str]]] = {
    State.OPEN: ("crit", "Open"),
    State.REPAIRING: ("prog", "Being repaired"),
    State.WATCHED: ("unknown", "Within grace"),
    State.DISMISSED: ("paused", "Dismissed"),
    State.CLOSED: ("ok", "Agrees"),
}
NOTES: Final[dict[Note, tuple[str, str]]] = {
    Note.SEEN: ("unknown", "seen to differ"),
    Note.OPENED: ("warn", "open: the grace is over"),
    Note.CHANGED: ("warn", "differs in another way"),
    Note.APPLIED: ("prog", "repair applied"),
    Note.NO_HELP: ("crit", "the repair did not help"),
    Note.DISMISSED: ("paused", "dismissed"),
    Note.REOPENED: ("warn", "opened again"),
    Note.CLOSED: ("ok", "both sides agree"),
}
OUTCOMES: Final[dict[str, tuple[str, str]]] = {
    Outcome.COMPLETE: ("ok", "Complete"),
    Outcome.PARTIAL: ("warn", "In part"),
    Outcome.FAILED: ("crit", "Not read"),
    Outcome.ABANDONED: ("warn", "Broke off"),
    Outcome.RUNNING: ("prog", "Compares"),
    Outcome.ASKED: ("prog", "Asked for"),
    "": ("unknown", "Not yet"),
}
VALUE_CHARACTERS: Final = 200
BRIEF_FIELDS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A finding's difference as it is shown, also when the code of it is gone."""

    name: str
    title: str
    severity: str
    defined: Difference | None
    side_names: tuple[str, str]
    reconciliation_title: str
    key_name: str


def kind_of(row: Finding) -> Kind:
    """Return the difference of a finding in words."""
    defined = reconciliations.find(row.reconciliation)
    found = defined.difference(row.difference) if defined is not None else None
    unclassified = "Differs in a way that no rule knows"
    title = found.title if found is not None else unclassified if row.difference == UNCLASSIFIED else row.difference
    return Kind(
        name=row.difference,
        title=title,
        severity=found.severity if found is not None else "warn",
        defined=found,
        side_names=(defined.expected.what, defined.seen.what) if defined is not None else ("expected", "seen"),
        reconciliation_title=defined.title if defined is not None else row.reconciliation,
        key_name=defined.key_name if defined is not None else "key",
    )


def state_of(row: Finding, kind: Kind) -> tuple[str, str]:
    """Return shape and word; an open finding has the shape of its severity."""
    shape, word = STATES[State(row.state)]
    return (kind.severity, word) if row.state == State.OPEN else (shape, word)


def shown(rows: Sequence[Mapping[str, Any]]) -> list[list[tuple[str, str]]]:
    """Return rows as pairs of name and text, for eyes."""
    return [[(printable(str(name), limit=60), value(each)) for name, each in row.items()] for row in rows]


def brief(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what a side says in one line."""
    if not rows:
        return "nothing"
    told = []
    for row in rows[:2]:
        told.append(", ".join(f"{name} {value(each)}" for name, each in list(row.items())[:BRIEF_FIELDS]))
    more = f" … {len(rows)} rows" if len(rows) > 2 else ""
    return " · ".join(told) + more


def value(found: object) -> str:
    """Return a value as a text; control characters are made visible."""
    if found is None:
        return "—"
    if isinstance(found, str):
        return printable(found, limit=VALUE_CHARACTERS)
    return printable(orjson.dumps(found).decode(), limit=VALUE_CHARACTERS)
