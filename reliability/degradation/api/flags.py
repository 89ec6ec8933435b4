"""``/degradation/flags``: what is in force and why, what happened, who reads it."""

from __future__ import annotations

from typing import Annotated

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema

from reliability import access
from reliability.degradation.api import bodies
from reliability.degradation.api.bodies import DegradationFlag, DegradationFlags, FlagChanges, FlagReach, Name
from reliability.degradation.queries import history, readers, standing
from reliability.kernel import clock

router = Router(tags=["degradation"])
PAGE = 50


class HistoryQuery(Schema):
    """Which part of a history: ``after`` is the ``next`` of the part before."""

    after: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    limit: Annotated[int, Field(ge=1, le=200)] = PAGE


@router.get("/degradation/flags", response=DegradationFlags, operation_id="list_flags", summary="Every flag")
def list_flags(request: HttpRequest) -> DegradationFlags:
    """List every flag that code has declared, with what is in force and why."""
    access.admit(access.actor_of(request), "degradation.view")
    now = clock.SYSTEM.now()
    return DegradationFlags(items=[bodies.flag(held, now=now) for held in standing.every(now=now)])


@router.get("/degradation/flags/{name}", response=DegradationFlag, operation_id="show_flag", summary="One flag")
def show_flag(request: HttpRequest, name: Path[Name]) -> DegradationFlag:
    """Show a flag: what is in force, who says so, what it shadows."""
    access.admit(access.actor_of(request), "degradation.view")
    return one(name)


@router.get(
    "/degradation/flags/{name}/history", response=FlagChanges, operation_id="flag_history", summary="Its history"
)
def flag_history(request: HttpRequest, name: Path[Name], asked: Query[HistoryQuery]) -> FlagChanges:
    """List what happened to a flag within 90 days, the newest first."""
    access.admit(access.actor_of(request), "degradation.view")
    standing.one(name)
    rows = history.changes(flag=name, before=asked.after, limit=asked.limit + 1)
    is_more = len(rows) > asked.limit
    shown = rows[: asked.limit]
    return FlagChanges(items=[bodies.change(row) for row in shown], next=shown[-1].pk if is_more else None)


@router.get("/degradation/flags/{name}/readers", response=FlagReach, operation_id="flag_readers", summary="Its readers")
def flag_readers(request: HttpRequest, name: Path[Name]) -> FlagReach:
    """Say who reads a flag and how often: what a change of its level would reach."""
    access.admit(access.actor_of(request), "degradation.view")
    standing.one(name)
    return bodies.reach(readers.reach(name, revision=standing.revision()))


def one(name: str) -> DegradationFlag:
    """Return a flag as it stands; raises ``NoSuchFlag``."""
    now = clock.SYSTEM.now()
    return bodies.flag(standing.held(standing.one(name), now=now), now=now)
