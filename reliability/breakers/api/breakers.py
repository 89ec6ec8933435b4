"""``/breakers``: all of them, one, its history, what other rules would have made of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema

from reliability import access
from reliability.breakers.api import bodies
from reliability.breakers.api.bodies import Breaker, BreakerDryRun, BreakerMoves, BreakerOpening, Breakers
from reliability.breakers.domain.dry_run import dry_run
from reliability.breakers.domain.rules import WrongRules
from reliability.breakers.operations.acting import BadRules
from reliability.breakers.queries import moves, wall
from reliability.console.asked import Asked
from reliability.kernel import clock

router = Router(tags=["breakers"])

Name = Annotated[str, Field(max_length=63, pattern=r"^[^\x00]*$")]


class HistoryQuery(Schema):
    """Which part of a history."""

    after: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    limit: Annotated[int, Field(ge=1, le=200)] = moves.PAGE


class BreakerRulesTried(Asked):
    """Rules that differ from those in the code."""

    rules: dict[str, Any] = {}


@router.get("/breakers", response=Breakers, operation_id="list_breakers", summary="Every breaker")
def list_breakers(request: HttpRequest) -> Breakers:
    """List every breaker that a process has named, as it stands."""
    access.admit(access.actor_of(request), "breakers.view")
    return bodies.all_of(wall.wall(now=clock.SYSTEM.now()))


@router.get("/breakers/{name}", response=Breaker, operation_id="show_breaker", summary="One breaker")
def show_breaker(request: HttpRequest, name: Path[Name]) -> Breaker:
    """Show a breaker as it stands."""
    access.admit(access.actor_of(request), "breakers.view")
    return bodies.told(wall.wall(now=clock.SYSTEM.now(), name=name).looks[0])


@router.get("/breakers/{name}/history", response=BreakerMoves, operation_id="breaker_history", summary="Its history")
def history(request: HttpRequest, name: Path[Name], asked: Query[HistoryQuery]) -> BreakerMoves:
    """List a breaker's transitions, newest first."""
    access.admit(access.actor_of(request), "breakers.view")
    wall.wall(now=clock.SYSTEM.now(), name=name)
    found = moves.moves(name, after=asked.after, limit=asked.limit)
    return BreakerMoves(items=[bodies.move(row) for row in found.rows], next=found.next)


@router.post(
    "/breakers/{name}/dry-runs",
    response=BreakerDryRun,
    operation_id="dry_run_breaker_rules",
    summary="What other rules would have done",
)
def dry_run_rules(request: HttpRequest, name: Path[Name], asked: BreakerRulesTried) -> BreakerDryRun:
    """Say what a breaker with these rules would have done with the last 24 hours; nothing is changed."""
    access.admit(access.actor_of(request), "breakers.view")
    now = clock.SYSTEM.now()
    (look,) = wall.wall(now=now, name=name).looks
    try:
        rules = look.declared.with_changes(asked.rules)
    except WrongRules as error:
        raise BadRules(str(error)) from error
    found = dry_run(moves.recorded(name, now=now), rules)
    return BreakerDryRun(
        calls=found.calls,
        openings=[
            BreakerOpening(
                at=datetime.fromtimestamp(each.at, UTC), seconds=each.lasted_s, why=each.why, kept_back=each.kept_back
            )
            for each in found.openings
        ],
        open_seconds=found.open_s,
        kept_back=found.kept_back,
        blind_seconds=found.blind_s,
    )
