"""``/reconciliations``, ``/comparisons``, ``/findings``: what two sides disagree about, and what is done about it."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema, Status

from reliability import access
from sagas import reconciliations
from sagas.api.bodies import Text
from sagas.api.finding_bodies import (
    ComparisonOut,
    ComparisonsOut,
    DismissalIn,
    FindingOut,
    FindingsOut,
    FindingWhole,
    ProposalOut,
    ReconciliationOut,
    RepairIn,
    comparison,
    listed,
    proposal,
    reconciliation,
    whole,
)
from sagas.operations.reconciling import comparisons as asking
from sagas.operations.reconciling import repairing
from sagas.queries import comparisons, findings, histories
from sagas.queries.findings import ACTIVE, Filter

router = Router(tags=["reconcile"])
Number = Annotated[int, Field(ge=1, le=2**63 - 1)]


class FindingsQuery(Schema):
    """Which findings to list; what is left out narrows nothing, but closed ones are listed when they are asked for."""

    state: Annotated[Text, Field(description="`active`, or a state such as `open`.")] = ACTIVE
    reconciliation: Text = ""
    difference: Text = ""
    key: Annotated[Text, Field(description="How the key begins.")] = ""
    cursor: Annotated[int, Field(ge=0, le=2**63 - 1, description="The `next` of the page before.")] = 0
    limit: Annotated[int, Field(ge=1, le=500)] = findings.PAGE


class Asked(Schema):
    """A comparison that was asked for."""

    comparison: int


def _reader(request: HttpRequest) -> access.Actor:
    actor = access.actor_of(request)
    access.authorize(actor, "reconcile.view")
    return actor


def _sees_values(actor: access.Actor) -> bool:
    return access.may(actor, repairing.REPAIR)


@router.get(
    "/reconciliations",
    response=list[ReconciliationOut],
    operation_id="list_reconciliations",
    summary="What is compared with what, and when it was",
)
def list_reconciliations(request: HttpRequest) -> list[ReconciliationOut]:
    """List the reconciliations that the console has the code of."""
    _reader(request)
    return [reconciliation(each) for each in comparisons.watched(now=histories.database_now())]


@router.post(
    "/reconciliations/{name}/comparisons",
    response={202: Asked},
    operation_id="ask_comparison",
    summary="Have both sides compared now",
)
def ask_comparison(request: HttpRequest, name: Path[Text]) -> Status[Asked]:
    """Ask for a comparison; a worker runs it as soon as it is free."""
    return Status(202, Asked(comparison=asking.ask(name, actor=access.actor_of(request))))


@router.get(
    "/reconciliations/{name}/comparisons",
    response=ComparisonsOut,
    operation_id="list_comparisons",
    summary="Comparisons, the newest first",
)
def list_comparisons(
    request: HttpRequest,
    name: Path[Text],
    cursor: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = comparisons.PAGE,
) -> ComparisonsOut:
    """List the comparisons of a reconciliation."""
    _reader(request)
    if reconciliations.find(name) is None:
        raise asking.NoSuchReconciliation(f"There is no reconciliation {name!r}.")
    rows, following = comparisons.page(name, before=cursor, limit=limit)
    return ComparisonsOut(items=[ComparisonOut(**comparison(row)) for row in rows], next=following)


@router.get("/findings", response=FindingsOut, operation_id="list_findings", summary="What two sides disagree about")
def list_findings(request: HttpRequest, asked: Query[FindingsQuery]) -> FindingsOut:
    """List findings, what needs a person first; what both sides say is told to operators."""
    actor = _reader(request)
    wanted = Filter(state=asked.state, reconciliation=asked.reconciliation, difference=asked.difference, key=asked.key)
    page = findings.page(wanted, after=asked.cursor, limit=asked.limit)
    values = _sees_values(actor)
    return FindingsOut(items=[FindingOut(**listed(row, values=values)) for row in page.rows], next=page.next)


@router.get("/findings/{finding_id}", response=FindingWhole, operation_id="get_finding", summary="One finding")
def get_finding(request: HttpRequest, finding_id: Path[Number]) -> FindingWhole:
    """Read a finding with its history, as the last look saw it."""
    actor = _reader(request)
    return whole(finding_id, values=_sees_values(actor))


@router.get(
    "/findings/{finding_id}/repair-previews",
    response=ProposalOut,
    operation_id="preview_repair",
    summary="What a repair would do to both sides as they are now",
)
def preview_repair(
    request: HttpRequest,
    finding_id: Path[Number],
    repair: Annotated[
        str,
        Query(max_length=100, pattern=r"^[^\x00]*$", description="The repair's name; left out: the best one."),
    ] = "",
) -> ProposalOut:
    """Read both sides now, and say what would be done and what would hold afterwards."""
    actor = access.actor_of(request)
    access.authorize(actor, repairing.REPAIR)
    return proposal(repairing.look(finding_id, repair=repair, actor=actor))


@router.post(
    "/findings/{finding_id}/repairs", response=FindingWhole, operation_id="apply_repair", summary="Apply a repair"
)
def apply_repair(request: HttpRequest, finding_id: Path[Number], asked: RepairIn) -> FindingWhole:
    """Do what was previewed, if both sides are still as they were."""
    repairing.apply(
        finding_id,
        repair=asked.repair,
        plan_hash=asked.hash,
        actor=access.actor_of(request),
        reason=asked.reason,
    )
    return whole(finding_id, values=True)


@router.post(
    "/findings/{finding_id}/dismissal",
    response=FindingWhole,
    operation_id="dismiss_finding",
    summary="Let a finding be as it is",
)
def dismiss(request: HttpRequest, finding_id: Path[Number], asked: DismissalIn) -> FindingWhole:
    """Take it out of the queue until one of the sides says something else."""
    repairing.dismiss(finding_id, actor=access.actor_of(request), reason=asked.reason, version=asked.version)
    return whole(finding_id, values=True)


@router.delete(
    "/findings/{finding_id}/dismissal",
    response=FindingWhole,
    operation_id="reopen_finding",
    summary="Put a dismissed finding back into the queue",
)
def reopen(request: HttpRequest, finding_id: Path[Number], asked: DismissalIn) -> FindingWhole:
    """Take a dismissal back."""
    repairing.reopen(finding_id, actor=access.actor_of(request), reason=asked.reason, version=asked.version)
    return whole(finding_id, values=True)
