"""``/degradation/flags/{name}/windows``: times at which a flag has another level."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Path, Router, Schema, Status

from reliability import access
from reliability.console.asked import Asked
from reliability.degradation.api import bodies
from reliability.degradation.api.bodies import DegradationWindow, LevelNumber, Name, Reason, Version
from reliability.degradation.domain import schedule
from reliability.degradation.operations import windows
from reliability.degradation.queries import standing
from reliability.kernel import clock

router = Router(tags=["degradation"])


class WindowRequest(Asked):
    """Which level, when, and why; ``version`` is 0 for a new window."""

    level: LevelNumber
    window: dict[str, Any]
    reason: Reason
    version: Version


class DeleteRequest(Asked):
    """The ``version`` of the window that was looked at, and why."""

    reason: Reason
    version: Version


class DegradationWindows(Schema):
    """Every window of a flag."""

    items: list[DegradationWindow]
    next: None = None


@router.get(
    "/degradation/flags/{name}/windows", response=DegradationWindows, operation_id="list_windows", summary="Its windows"
)
def list_windows(request: HttpRequest, name: Path[Name]) -> DegradationWindows:
    """List the windows of a flag."""
    access.admit(access.actor_of(request), "degradation.view")
    rows = standing.one(name).windows.order_by("name")
    return DegradationWindows(items=[bodies.window(row) for row in rows])


@router.put(
    "/degradation/flags/{name}/windows/{window}",
    response=DegradationWindow,
    operation_id="save_window",
    summary="Save a window",
)
def save_window(request: HttpRequest, name: Path[Name], window: Path[Name], asked: WindowRequest) -> DegradationWindow:
    """Save a window: with days and a zone every week, else once."""
    actor = access.actor_of(request)
    access.admit(actor, "degradation.schedule")
    row = windows.save(
        flag=name,
        name=window,
        level=asked.level,
        window=schedule.read(asked.window),
        reason=asked.reason,
        actor=actor,
        version=asked.version,
        now=clock.SYSTEM.now(),
    )
    return bodies.window(row)


@router.delete(
    "/degradation/flags/{name}/windows/{window}",
    response={204: None},
    operation_id="delete_window",
    summary="Delete a window",
)
def delete_window(request: HttpRequest, name: Path[Name], window: Path[Name], asked: DeleteRequest) -> Status[None]:
    """Delete a window."""
    actor, now = access.actor_of(request), clock.SYSTEM.now()
    windows.delete(flag=name, name=window, reason=asked.reason, actor=actor, version=asked.version, now=now)
    return Status(204, None)
