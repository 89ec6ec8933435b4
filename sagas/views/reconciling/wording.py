"""How pages call what findings are in, and how they show what the two sides say."""

from __future__ import annotations

import re
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
    Note.OPENED: ("warn", "open: it needs somebody"),
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
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)")


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


def repair_title(row: Finding, name: str) -> str:
    """Return how a repair is called, whichever difference it is for; its name when the code of it is gone."""
    defined = reconciliations.find(row.reconciliation)
    found = (each.repair(name) for each in (defined.differences if defined is not None else ()))
    return next((each.title for each in found if each is not None), name)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a repair would change of a side: a field of a row, or a whole row that comes or goes."""

    of: str
    before: str
    after: str


def changes(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[Change]:
    """Return what differs between a side now and afterwards, row by row in their order."""
    found: list[Change] = []
    for number in range(max(len(before), len(after))):
        row = before[number] if number < len(before) else None
        then = after[number] if number < len(after) else None
        where = f"row {number + 1}: " if max(len(before), len(after)) > 1 else ""
        if row is None or then is None:
            was, becomes = (brief([row]) if row else "nothing"), (brief([then]) if then else "nothing")
            found.append(Change(of=f"{where}all of it", before=was, after=becomes))
            continue
        names = [name for name in {**row, **then} if row.get(name) != then.get(name)]
        found += [
            Change(
                of=f"{where}{printable(str(name), limit=60)}", before=value(row.get(name)), after=value(then.get(name))
            )
            for name in names
        ]
    return found


def value(found: object) -> str:
    """Return a value as a text; a time to the second, control characters made visible."""
    if found is None:
        return "—"
    if isinstance(found, str) and _INSTANT.fullmatch(found):
        return f"{found[:10]} {found[11:19]} UTC"
    if isinstance(found, str):
        return printable(found, limit=VALUE_CHARACTERS)
    return printable(orjson.dumps(found).decode(), limit=VALUE_CHARACTERS)
