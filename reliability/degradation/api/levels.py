"""``/degradation/flags/{name}/level``: set by hand for a time, made to last longer, taken back."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest
from ninja import Path, Router

from reliability import access
from reliability.console.asked import Asked
from reliability.degradation.api import flags
from reliability.degradation.api.bodies import DegradationFlag, LevelNumber, Name, Reason, Seconds, Version
from reliability.degradation.operations import levels
from reliability.kernel import clock

router = Router(tags=["degradation"])


class LevelRequest(Asked):
    """Which level, for how many seconds, and why; ``version`` is that of the flag that was looked at."""

    level: LevelNumber
    seconds: Seconds
    reason: Reason
    version: Version


class ExtendRequest(Asked):
    """For how many seconds from now on, and why."""

    seconds: Seconds
    reason: Reason
    version: Version


class TakeBackRequest(Asked):
    """The ``version`` of the flag that was looked at; a reason is welcome."""

    version: Version
    reason: Reason = ""


@router.put("/degradation/flags/{name}/level", response=DegradationFlag, operation_id="set_level", summary="Set it")
def set_level(request: HttpRequest, name: Path[Name], asked: LevelRequest) -> DegradationFlag:
    """Set a level for a time, after which the flag returns by itself; takes the place of what was set before."""
    levels.set_level(
        flag=name,
        level=asked.level,
        lasts=timedelta(seconds=asked.seconds),
        reason=asked.reason,
        actor=access.actor_of(request),
        version=asked.version,
        now=clock.SYSTEM.now(),
    )
    return flags.one(name)


@router.post(
    "/degradation/flags/{name}/level/extension",
    response=DegradationFlag,
    operation_id="extend_level",
    summary="Let it last longer",
)
def extend_level(request: HttpRequest, name: Path[Name], asked: ExtendRequest) -> DegradationFlag:
    """Let what was set last for so long from now on."""
    levels.extend(
        flag=name,
        lasts=timedelta(seconds=asked.seconds),
        reason=asked.reason,
        actor=access.actor_of(request),
        version=asked.version,
        now=clock.SYSTEM.now(),
    )
    return flags.one(name)


@router.delete(
    "/degradation/flags/{name}/level", response=DegradationFlag, operation_id="take_level_back", summary="Take it back"
)
def take_back(request: HttpRequest, name: Path[Name], asked: TakeBackRequest) -> DegradationFlag:
    """Take back what was set: drill, policy, schedule or code decide again."""
    actor, now = access.actor_of(request), clock.SYSTEM.now()
    levels.take_back(flag=name, actor=actor, version=asked.version, now=now, reason=asked.reason)
    return flags.one(name)
