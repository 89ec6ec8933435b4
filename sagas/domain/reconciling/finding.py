"""How a finding moves: what is done with one key while its sides differ, until they agree.

none --differs--> watched
none --differs_for_long--> open
watched --differs--> watched
watched --differs_for_long--> open
watched --agrees--> closed
open --differs--> watched
open --differs_for_long--> open
open --agrees--> closed
open --applied--> repairing
open --dismissed--> dismissed
repairing --differs--> repairing
repairing --differs_for_long--> repairing
repairing --out_of_patience--> open
repairing --agrees--> closed
dismissed --differs--> dismissed
dismissed --differs_for_long--> dismissed
dismissed --changed--> open
dismissed --reopened--> open
dismissed --agrees--> closed
closed --differs--> watched
closed --differs_for_long--> open
closed --agrees--> closed

The lines above are the transition table; a test compares them with it. ``differs``: the sides differ, and the grace of
that difference is not over. ``changed``: what was dismissed is not what is there now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from reliability.kernel.errors import Refused
from sagas.domain.reconciling.comparing import Judged
from sagas.domain.reconciling.pair import fingerprint


class State(StrEnum):
    """How a finding stands; the words are stored, so they never change."""

    NONE = "none"
    WATCHED = "watched"  # the sides differ, and may well agree by themselves yet
    OPEN = "open"
    REPAIRING = "repairing"  # a repair was applied; whether it helped is not known yet
    DISMISSED = "dismissed"
    CLOSED = "closed"


class Move(StrEnum):
    """What happens to a finding."""

    DIFFERS = "differs"
    DIFFERS_FOR_LONG = "differs_for_long"
    AGREES = "agrees"
    APPLIED = "applied"
    OUT_OF_PATIENCE = "out_of_patience"
    DISMISSED = "dismissed"
    REOPENED = "reopened"
    CHANGED = "changed"


class Note(StrEnum):
    """What is written down of it; the words are stored, so they never change."""

    SEEN = "seen"
    OPENED = "opened"
    CHANGED = "changed"
    APPLIED = "applied"
    NO_HELP = "no_help"
    DISMISSED = "dismissed"
    REOPENED = "reopened"
    CLOSED = "closed"


S, M = State, Move
TABLE: Final[dict[tuple[State, Move], State]] = {
    (S.NONE, M.DIFFERS): S.WATCHED,
    (S.NONE, M.DIFFERS_FOR_LONG): S.OPEN,
    (S.WATCHED, M.DIFFERS): S.WATCHED,
    (S.WATCHED, M.DIFFERS_FOR_LONG): S.OPEN,
    (S.WATCHED, M.AGREES): S.CLOSED,
    (S.OPEN, M.DIFFERS): S.WATCHED,
    (S.OPEN, M.DIFFERS_FOR_LONG): S.OPEN,
    (S.OPEN, M.AGREES): S.CLOSED,
    (S.OPEN, M.APPLIED): S.REPAIRING,
    (S.OPEN, M.DISMISSED): S.DISMISSED,
    (S.REPAIRING, M.DIFFERS): S.REPAIRING,
    (S.REPAIRING, M.DIFFERS_FOR_LONG): S.REPAIRING,
    (S.REPAIRING, M.OUT_OF_PATIENCE): S.OPEN,
    (S.REPAIRING, M.AGREES): S.CLOSED,
    (S.DISMISSED, M.DIFFERS): S.DISMISSED,
    (S.DISMISSED, M.DIFFERS_FOR_LONG): S.DISMISSED,
    (S.DISMISSED, M.CHANGED): S.OPEN,
    (S.DISMISSED, M.REOPENED): S.OPEN,
    (S.DISMISSED, M.AGREES): S.CLOSED,
    (S.CLOSED, M.DIFFERS): S.WATCHED,
    (S.CLOSED, M.DIFFERS_FOR_LONG): S.OPEN,
    (S.CLOSED, M.AGREES): S.CLOSED,
}
ACTIVE: Final = frozenset({State.WATCHED, State.OPEN, State.REPAIRING, State.DISMISSED})


class CannotNow(Refused):
    """The finding is not in a state in which this can be done."""

    code = "finding-state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One key of one reconciliation whose sides differ, or did. ``episode`` counts how often they began to.

    ``opens_at``: when the grace is over. ``looked_at``: the time of which the newest look tells. ``patient_until``:
    how long an applied repair has to help. Times are the database's.
    """

    state: State = State.NONE
    difference: str = ""
    fingerprint: str = ""
    episode: int = 0
    first_at: datetime | None = None
    opens_at: datetime | None = None
    opened_at: datetime | None = None
    looked_at: datetime | None = None
    acted_at: datetime | None = None
    ended_at: datetime | None = None
    repair: str = ""
    repairs: int = 0
    patient_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of a finding's history."""

    note: Note
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    actor: str = ""


def look(finding: Finding, judged: Judged, *, grace: timedelta, at: datetime) -> tuple[Finding, tuple[Entry, ...]]:
    """Return the finding after a look that tells of the time ``at``, and what to write down of it.

    A look that is older than the last one, or than an act on the finding, changes nothing: it tells of what was.
    """
    newest = max((each for each in (finding.looked_at, finding.acted_at) if each is not None), default=None)
    if judged.error or (newest is not None and at < newest):
        return finding, ()
    if not judged.difference:
        return _agreed(finding, at)
    begun = finding if finding.state in ACTIVE else _begun(finding, at)
    if begun.state is State.REPAIRING:
        return _repairing(begun, judged, grace, at)
    return _differing(begun, judged, grace, at)


def applied(
    finding: Finding, *, repair: str, patience: timedelta, at: datetime, actor: str, data: Mapping[str, Any]
) -> tuple[Finding, tuple[Entry, ...]]:
    """Return the finding after a repair was applied; raises ``CannotNow``."""
    _check(finding, Move.APPLIED, "repaired")
    after = replace(
        finding,
        state=State.REPAIRING,
        repair=repair,
        repairs=finding.repairs + 1,
        acted_at=at,
        patient_until=at + patience,
    )
    return after, (Entry(note=Note.APPLIED, at=at, data={"repair": repair, **data}, actor=actor),)


def dismissed(finding: Finding, *, at: datetime, actor: str, reason: str) -> tuple[Finding, tuple[Entry, ...]]:
    """Return the finding after a person said that it may stay as it is; raises ``CannotNow``."""
    _check(finding, Move.DISMISSED, "dismissed")
    after = replace(finding, state=State.DISMISSED, acted_at=at)
    return after, (Entry(note=Note.DISMISSED, at=at, data={"reason": reason}, actor=actor),)


def reopened(finding: Finding, *, at: datetime, actor: str, reason: str) -> tuple[Finding, tuple[Entry, ...]]:
    """Return a dismissed finding as open again; raises ``CannotNow``."""
    _check(finding, Move.REOPENED, "opened again")
    after = replace(finding, state=State.OPEN, acted_at=at, opened_at=at)
    return after, (Entry(note=Note.REOPENED, at=at, data={"reason": reason}, actor=actor),)


def _check(finding: Finding, move: Move, told: str) -> None:
    if (finding.state, move) not in TABLE:
        raise CannotNow(f"The finding is {finding.state}, so it cannot be {told}.")


def _begun(finding: Finding, at: datetime) -> Finding:
    return replace(
        finding,
        episode=finding.episode + 1,
        difference="",
        fingerprint="",
        first_at=at,
        opens_at=None,
        opened_at=None,
        ended_at=None,
        acted_at=None,
        repair="",
        repairs=0,
        patient_until=None,
    )


def _agreed(finding: Finding, at: datetime) -> tuple[Finding, tuple[Entry, ...]]:
    if finding.state not in ACTIVE:
        return finding, ()
    closed = replace(finding, state=State.CLOSED, looked_at=at, ended_at=at, patient_until=None, opens_at=None)
    by = {"after_repair": finding.repair} if finding.state is State.REPAIRING else {}
    return closed, (Entry(note=Note.CLOSED, at=at, data=by),)


def _repairing(finding: Finding, judged: Judged, grace: timedelta, at: datetime) -> tuple[Finding, tuple[Entry, ...]]:
    """What a repair leads through on its way is no news; only when its time is over the difference counts again."""
    if finding.patient_until is None or at < finding.patient_until:
        return replace(finding, looked_at=at), ()
    again = replace(finding, state=TABLE[finding.state, Move.OUT_OF_PATIENCE], patient_until=None, opened_at=at)
    entries = (Entry(note=Note.NO_HELP, at=at, data={"repair": finding.repair}),)
    after, more = _differing(again, judged, grace, at)
    return after, (*entries, *more)


def _differing(finding: Finding, judged: Judged, grace: timedelta, at: datetime) -> tuple[Finding, tuple[Entry, ...]]:
    mark = fingerprint(judged.pair)
    is_other = judged.difference != finding.difference
    entries: list[Entry] = []
    if is_other:
        facts = {"difference": judged.difference, "why": judged.why}
        note = Note.CHANGED if finding.difference else Note.SEEN
        entries.append(
            Entry(note=note, at=at, data=facts | ({"was": finding.difference} if finding.difference else {}))
        )
    opens_at = (judged.since or (at if is_other else _seen_since(finding, grace, at))) + grace
    move = Move.DIFFERS if at < opens_at else Move.DIFFERS_FOR_LONG
    if finding.state is State.DISMISSED and mark != finding.fingerprint:
        move = Move.CHANGED
    state = TABLE[finding.state, move]
    was_open = finding.state in (State.OPEN, State.REPAIRING)
    if state is State.OPEN and not was_open:
        entries.append(Entry(note=Note.OPENED, at=at, data={"difference": judged.difference, "why": judged.why}))
    after = replace(
        finding,
        state=state,
        difference=judged.difference,
        fingerprint=mark,
        looked_at=at,
        opens_at=opens_at if state is State.WATCHED else None,
        opened_at=at if state is State.OPEN and not was_open else finding.opened_at,
    )
    return after, tuple(entries)


def _seen_since(finding: Finding, grace: timedelta, at: datetime) -> datetime:
    """Since when this difference is known: its grace was counted from then on."""
    return finding.opens_at - grace if finding.opens_at is not None else finding.first_at or at
