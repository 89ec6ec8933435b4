"""What the API tells of findings, and takes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from ninja import Field, Schema
from pydantic import ConfigDict

from sagas.api.bodies import Text
from sagas.operations.reconciling.repairing import Look
from sagas.queries import findings
from sagas.queries.comparisons import Row as Comparison
from sagas.queries.comparisons import Watched
from sagas.queries.findings import Row

Rows = list[dict[str, Any]]


class ComparisonOut(Schema):
    """A look at both sides, whole. ``error`` is the first thing that went wrong."""

    id: int
    reconciliation: str
    outcome: str
    asked_by: str
    asked_at: datetime
    began_at: datetime | None
    ended_at: datetime | None
    compared: int
    differing: int
    opened: int
    closed: int
    unread: int
    unjudged: int
    error: str


class ComparisonsOut(Schema):
    """A page of comparisons."""

    items: list[ComparisonOut]
    next: int | None


class DifferenceOut(Schema):
    """A way to differ, with its repairs, the best one first."""

    name: str
    title: str
    grace_seconds: float
    repairs: list[str]


class ReconciliationOut(Schema):
    """What is compared with what. ``late``: no comparison came to its end in time."""

    name: str
    title: str
    expected: str
    seen: str
    every_seconds: float
    differences: list[DifferenceOut]
    invariants: list[str]
    late: bool
    newest: ComparisonOut | None
    under_way: ComparisonOut | None


class FindingOut(Schema):
    """A key on which both sides differ, or did. What they say is null, and ``why`` empty, for who may not repair."""

    id: int
    reconciliation: str
    key: str
    state: str
    difference: str
    why: str
    expected: Rows | None
    seen: Rows | None
    episode: int
    version: int
    first_at: datetime | None
    opened_at: datetime | None
    looked_at: datetime | None
    ended_at: datetime | None
    repair: str
    repairs: int


class FindingsOut(Schema):
    """A page of findings."""

    items: list[FindingOut]
    next: int | None


class FindingEntry(Schema):
    """A line of a finding's history."""

    at: datetime
    note: str
    actor: str
    data: dict[str, Any]


class FindingWhole(FindingOut):
    """A finding with its history, newest first."""

    history: list[FindingEntry]


class CheckOut(Schema):
    """Whether something holds before and after a repair."""

    name: str
    title: str
    before: bool
    after: bool


class ProposalOut(Schema):
    """What a repair would do. ``hash`` names both sides and the commands; ``refusal``: why it is not done, or empty."""

    repair: str
    title: str
    commands: list[dict[str, Any]]
    says: list[str]
    checks: list[CheckOut]
    still_wrong: str
    hash: str
    refusal: str


class RepairIn(Schema):
    """Which repair, as it was previewed, and why."""

    model_config = ConfigDict(extra="forbid")
    repair: Text
    hash: Annotated[Text, Field(min_length=1, description="The preview's hash.")]
    reason: Annotated[str, Field(max_length=4000)] = ""


class DismissalIn(Schema):
    """Why, and of which version of the finding."""

    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str, Field(max_length=4000)] = ""
    version: Annotated[int | None, Field(ge=0, le=2**31 - 1)] = None


_COMPARISON = tuple(ComparisonOut.model_fields)
_FINDING = tuple(name for name in FindingOut.model_fields if name not in ("expected", "seen"))


def comparison(row: Comparison) -> dict[str, Any]:
    """A comparison as plain values."""
    return {name: getattr(row, name) for name in _COMPARISON}


def reconciliation(watched: Watched) -> ReconciliationOut:
    """A reconciliation with its newest comparison."""
    defined = watched.defined
    newest, under_way = (
        ComparisonOut(**comparison(each)) if each is not None else None for each in (watched.newest, watched.under_way)
    )
    return ReconciliationOut(
        name=defined.name,
        title=defined.title,
        expected=defined.expected.what,
        seen=defined.seen.what,
        every_seconds=defined.every.total_seconds(),
        differences=[
            DifferenceOut(
                name=each.name,
                title=each.title,
                grace_seconds=each.grace.total_seconds(),
                repairs=[repair.name for repair in each.repairs],
            )
            for each in defined.differences
        ],
        invariants=[each.title for each in defined.invariants],
        late=watched.is_late,
        newest=newest,
        under_way=under_way,
    )


def listed(row: Row, *, values: bool) -> dict[str, Any]:
    """A finding as plain values; ``values``: with what both sides say."""
    expected, seen = findings.sides(row) if values else (None, None)
    shown = {name: getattr(row, name) for name in _FINDING} | {"expected": expected, "seen": seen}
    return shown if values else shown | {"why": ""}


def whole(finding_id: int, *, values: bool) -> FindingWhole:
    """A finding with its history; raises ``findings.NoSuchFinding``."""
    row = findings.one(finding_id)
    hidden = () if values else ("expected", "seen", "did", "why")
    history = [
        FindingEntry(
            at=line.at,
            note=line.note,
            actor=line.actor,
            data={name: each for name, each in line.data.items() if name not in hidden},
        )
        for line in findings.history(finding_id)
    ]
    return FindingWhole(**listed(row, values=values), history=history)


def proposal(look: Look) -> ProposalOut:
    """What a repair would do, or why it cannot be said."""
    made = look.proposal
    if made is None:
        return ProposalOut(
            repair="",
            title="",
            commands=[],
            says=[],
            checks=[],
            still_wrong=look.judged.why if look.judged is not None else "",
            hash="",
            refusal=look.refusal or look.unread,
        )
    return ProposalOut(
        repair=made.repair.name,
        title=made.repair.title,
        commands=[command.facts() for command in made.commands],
        says=[command.says() for command in made.commands],
        checks=[
            CheckOut(name=each.name, title=each.title, before=each.before, after=each.after) for each in made.checks
        ],
        still_wrong=made.ends,
        hash=made.hash,
        refusal=made.refusal,
    )
