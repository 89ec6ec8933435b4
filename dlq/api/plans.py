"""``/replay-plans``: what a replay would send, counted before anybody approves it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Path, Router, Schema, Status
from pydantic import BeforeValidator

from dlq.api.words import Id, Scope, Text
from dlq.domain import plan as words
from dlq.domain import ramp, scope
from dlq.domain import run as runs
from dlq.models import ReplayPlan
from dlq.operations import plans as operations
from dlq.queries import replays as queries
from reliability import access
from reliability.console.asked import Asked
from reliability.kernel import clock

router = Router(tags=["replays"])


class Target(Asked):
    """Where the replay goes: back to the `origin` topic, to another `topic`, or to the `group` that failed alone."""

    kind: words.Kind = words.Kind.ORIGIN
    topic: Annotated[str, Field(max_length=249, pattern=r"^[^\x00]*$")] = ""


def _spelled_out(value: Any) -> Any:
    """`"group"` is short for `{"kind": "group"}`."""
    return {"kind": value} if isinstance(value, str) else value


class PlanRequest(Asked):
    """What to plan. The run stops by itself when more than `failed_limit` of the outcomes are failures; null: never."""

    scope: Scope
    rate: float | None = Field(None, description=f"Items per second, up to {ramp.RATE_MAX:.0f}.", examples=[50])
    target: Annotated[Target, BeforeValidator(_spelled_out)] = Target()
    failed_limit: float | None = runs.FAILED_LIMIT
    include: list[Text] = Field(
        [], max_length=10, description="`quarantined`, `headers_unreadable`: left out otherwise."
    )


class Warn(Schema):
    """Something to weigh; `count` letters are concerned."""

    code: str
    count: int
    text: str


class Plan(Schema):
    """A plan. `hash` covers the letters, their order, target, rate, limit and strip rules: send it back to approve."""

    id: int
    plan: int = Field(description="The same as `id`, under the name that POST /replays takes.")
    hash: str
    scope: dict[str, Any]
    target: dict[str, str]
    rate: float
    failed_limit: float | None
    include: list[str]
    letters: int = Field(description="How many letters would be sent.")
    counts: dict[str, Any]
    warnings: list[Warn]
    topics: list[str]
    created_by: str
    created_at: datetime
    expires_at: datetime
    replay: int | None = Field(description="The run, once the plan was approved.")


@router.post("/replay-plans", response={201: Plan}, operation_id="create_replay_plan", summary="Plan a replay")
def create_plan(request: HttpRequest, asked: PlanRequest) -> Status[Plan]:
    """Count what a replay would send and what speaks against it. Nothing is sent; the plan freezes the letters."""
    plan = operations.draw(
        scope=scope.parse(asked.scope),
        terms=operations.terms(
            target={"kind": asked.target.kind, "topic": asked.target.topic},
            rate=asked.rate,
            failed_limit=asked.failed_limit,
            include=asked.include,
        ),
        actor=access.actor_of(request),
        now=clock.SYSTEM.now(),
    )
    return Status(201, shown(plan))


@router.get("/replay-plans/{plan_id}", response=Plan, operation_id="get_replay_plan", summary="One replay plan")
def get_plan(request: HttpRequest, plan_id: Path[Id]) -> Plan:
    """Read a plan again."""
    actor = access.actor_of(request)
    access.admit(actor, "letters.view")
    return shown(queries.visible_plan(plan_id, actor=actor))


def shown(plan: ReplayPlan) -> Plan:
    """Return a plan as the API shows it."""
    return Plan(
        id=plan.pk,
        plan=plan.pk,
        hash=plan.hash,
        scope=plan.scope,
        target=plan.target,
        rate=plan.rate,
        failed_limit=plan.failed_limit,
        include=plan.include,
        letters=plan.total,
        counts=plan.counts,
        warnings=[Warn(**warning) for warning in plan.warnings],
        topics=plan.topics,
        created_by=plan.created_by,
        created_at=plan.created_at,
        expires_at=plan.expires_at,
        replay=queries.replay_of_plan(plan.pk),
    )
