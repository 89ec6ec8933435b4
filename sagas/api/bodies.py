"""What the API tells of sagas, and takes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from ninja import Field, Schema
from pydantic import ConfigDict

from sagas import definitions
from sagas.domain import acts
from sagas.domain.acts import Act
from sagas.domain.history import Side
from sagas.domain.plan import Plan
from sagas.domain.state import Saga
from sagas.queries import cursors, histories, lists
from sagas.queries.lists import Listed

# No NUL, which PostgreSQL's text has no room for.
Text = Annotated[str, Field(max_length=400, pattern=r"^[^\x00]*$")]


class SagasQuery(Schema):
    """Which sagas to list; what is left out narrows nothing."""

    key: Annotated[Text, Field(description="How the business key begins.")] = ""
    state: Annotated[Text, Field(description="`open`, `stuck`, or a status such as `needs_operator`.")] = ""
    definition: Text = ""
    step: Text = ""
    error: Annotated[Text, Field(description="A part of the error.")] = ""
    older_than_seconds: Annotated[int | None, Field(ge=0, le=10**9)] = None
    cursor: Annotated[str, Field(max_length=cursors.CHARACTERS_MAX, pattern=r"^[A-Za-z0-9_=-]*$")] = ""
    limit: Annotated[int, Field(ge=1, le=500)] = lists.PAGE


class SagaStanding(Schema):
    """Why a saga is as it is, and what happens next by itself."""

    severity: str
    why: str
    next: str
    next_at: datetime | None
    stuck: bool


class SagaListed(Schema):
    """A saga in a list."""

    id: UUID
    definition: str
    definition_version: int
    key: str
    status: str
    direction: str
    step: str
    side: str
    attempts: int
    error: str
    version: int
    started_at: datetime
    changed_at: datetime
    ended_at: datetime | None
    due_at: datetime | None
    standing: SagaStanding


class SagasListed(Schema):
    """A page; what needs a person first."""

    items: list[SagaListed]
    next: str | None


class SagaWork(Schema):
    """How one side of a step stands; ``key``: the idempotency key of its tries."""

    effect: str
    attempts: int
    due_at: datetime | None
    ended_at: datetime | None
    why: str
    error: str
    key: str


class SagaStep(Schema):
    """A step with what it does and what undoes it; ``event``: it waits for that event instead."""

    name: str
    local: bool
    undoes: bool
    probes: bool
    event: str
    before_pivot: bool
    do: SagaWork
    undo: SagaWork


class SagaWhole(SagaListed):
    """One saga: its data, its steps, and what can be done to it now."""

    data: dict[str, Any]
    steps: list[SagaStep]
    has_code: bool = Field(description="Whether this process has the code of its definition and version.")
    late: int = Field(description="Answers that came after their try had been given up.")
    possible: list[Act]


class SagaEvent(Schema):
    """An entry of a history."""

    version: int
    at: datetime
    kind: str
    step: str
    side: str
    attempt: int
    data: dict[str, Any]
    actor: str


class SagaHistory(Schema):
    """Entries in their order; ``next``: the number to ask behind for more."""

    items: list[SagaEvent]
    next: int | None


class _Exact(Schema):
    """Nothing but what it names: a misspelt field is told, never left out."""

    model_config = ConfigDict(extra="forbid")


class SagaActPlanned(_Exact):
    """An act. ``step`` is for resume, ``result`` for a skipped or declared step, ``set`` and ``unset`` for edit."""

    act: Act
    step: Text = ""
    result: dict[str, Any] = {}
    set: dict[str, Any] = {}
    unset: Annotated[list[Text], Field(max_length=1000)] = []


class SagaActRequest(SagaActPlanned):
    """An act on the saga as it was looked at, and why."""

    version: Annotated[
        int, Field(ge=1, le=2**31 - 1, strict=True, description="The saga's version that was looked at.")
    ]
    reason: Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")]


class SagaCall(Schema):
    """A call that will be made if all goes well; ``repeated``: a try under the same key was made before.

    ``says``: what it does, in the words of its code; empty where nobody said it.
    """

    step: str
    side: str
    says: str
    key: str
    local: bool
    repeated: bool


class SagaActPreview(Schema):
    """What an act leads to: the status at once, and at the end when every call succeeds."""

    version: int
    status: str
    ends: str
    calls: list[SagaCall]
    warnings: list[str]


class SagaDefinition(Schema):
    """A definition that this process has the code of."""

    name: str
    version: int
    timeout_seconds: float
    steps: list[str]
    pivot_after: str | None


def listed(told_of: Listed) -> dict[str, Any]:
    """Return the fields of a saga in a list."""
    row = told_of.saga
    names = set(SagaListed.model_fields) - {"standing"}
    told = told_of.standing
    return {name: getattr(row, name) for name in names} | {
        "standing": SagaStanding(
            severity=told.severity, why=told.why, next=told.next, next_at=told.next_at, stuck=told.stuck
        )
    }


def whole(saga_id: UUID) -> SagaWhole:
    """Return one saga; raises ``NoSuchSaga``."""
    row = lists.row(saga_id)
    saga = histories.load(saga_id)
    return SagaWhole(
        **listed(Listed(saga=row, standing=lists.of(row, now=histories.database_now()))),
        data=dict(saga.data),
        steps=_steps(saga, saga.plan),
        has_code=definitions.find(saga.definition, saga.definition_version) is not None,
        late=saga.late,
        possible=list(acts.possible(saga)),
    )


def _steps(saga: Saga, plan: Plan) -> list[SagaStep]:
    works = {(step.name, side): work for step, side, work in saga.works()}
    made = []
    for place, step in enumerate(plan.steps):
        sides = {}
        for side in Side:
            work = works[step.name, side]
            sides[str(side)] = SagaWork(
                effect=str(work.effect),
                attempts=work.attempts,
                due_at=work.due_at,
                ended_at=work.ended_at,
                why=work.why,
                error=work.error,
                key=saga.idempotency_key(step.name, side),
            )
        made.append(
            SagaStep(
                name=step.name,
                local=step.local,
                undoes=step.undoes,
                probes=step.probes,
                event=step.event,
                before_pivot=plan.pivot is None or place < plan.pivot,
                **sides,
            )
        )
    return made
