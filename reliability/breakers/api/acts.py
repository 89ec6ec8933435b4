"""``/breakers/{name}/override``, ``rules`` and ``reset``: what an operator says of a breaker."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Field, Path, Router

from reliability import access
from reliability.breakers.api import bodies
from reliability.breakers.api.bodies import Breaker, BreakerSaid
from reliability.breakers.api.breakers import Name
from reliability.breakers.domain import words
from reliability.breakers.domain.machine import Override
from reliability.breakers.operations import acting
from reliability.breakers.operations.acting import Said
from reliability.breakers.queries import wall
from reliability.console.asked import Asked
from reliability.kernel import clock

router = Router(tags=["breakers"])

MINUTES_MAX = words.LONGEST // timedelta(minutes=1)
Reason = Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")]
Version = Annotated[int, Field(ge=0, le=2**63 - 1, strict=True)]


class OverrideRequest(Asked):
    """What to decide, for how many minutes, and why; ``number`` is that of the breaker that was looked at."""

    override: Literal["forced_open", "forced_closed", "metrics_only"]
    minutes: Annotated[int, Field(ge=1, le=MINUTES_MAX, strict=True)]
    number: Version
    reason: Reason


class OverrideTakenBack(Asked):
    """Why, and the ``number`` of the breaker that was looked at."""

    number: Version
    reason: Reason


class RulesRequest(Asked):
    """Rules that differ from those in the code, all of them; ``version`` is the ``rules_version`` looked at."""

    rules: dict[str, Any]
    version: Version
    reason: Reason


class BreakerReset(Asked):
    """Why, and the ``generation`` that was looked at."""

    generation: Version
    reason: Reason


@router.put("/breakers/{name}/override", response=BreakerSaid, operation_id="override_breaker", summary="Decide for it")
def override(request: HttpRequest, name: Path[Name], asked: OverrideRequest) -> BreakerSaid:
    """Force it open or closed, or only watch it, for a while; it takes the place of what was decided before."""
    return _said(
        acting.override(
            name,
            Override(asked.override),
            lasts=timedelta(minutes=asked.minutes),
            number=asked.number,
            actor=access.actor_of(request),
            reason=asked.reason,
            now=clock.SYSTEM.now(),
        )
    )


@router.delete(
    "/breakers/{name}/override", response=BreakerSaid, operation_id="take_back_override", summary="Take that back"
)
def take_back(request: HttpRequest, name: Path[Name], asked: OverrideTakenBack) -> BreakerSaid:
    """Have it decide by itself again."""
    actor = access.actor_of(request)
    now = clock.SYSTEM.now()
    return _said(acting.take_back(name, number=asked.number, actor=actor, reason=asked.reason, now=now))


@router.put("/breakers/{name}/rules", response=BreakerSaid, operation_id="change_breaker_rules", summary="Other rules")
def change_rules(request: HttpRequest, name: Path[Name], asked: RulesRequest) -> BreakerSaid:
    """Have it go by other rules than its code has, in every process at once; an empty object is those of the code."""
    actor = access.actor_of(request)
    now = clock.SYSTEM.now()
    return _said(
        acting.change_rules(name, asked.rules, version=asked.version, actor=actor, reason=asked.reason, now=now)
    )


@router.post("/breakers/{name}/reset", response=Breaker, operation_id="reset_breaker", summary="Reset it")
def reset(request: HttpRequest, name: Path[Name], asked: BreakerReset) -> Breaker:
    """Close it as if nothing had happened; an override stays."""
    acting.reset(name, gen=asked.generation, actor=access.actor_of(request), reason=asked.reason)
    return _now(name)


def _said(said: Said) -> BreakerSaid:
    return BreakerSaid(breaker=_now(said.breaker.name), told=said.is_told)


def _now(name: str) -> Breaker:
    return bodies.told(wall.wall(now=clock.SYSTEM.now(), name=name).looks[0])
