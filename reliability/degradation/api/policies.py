"""``/degradation/policies``: what degrades flags by itself, tried on what is recorded before it is saved."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Path, Router, Status

from reliability import access
from reliability.console.asked import Asked
from reliability.degradation.api import bodies
from reliability.degradation.api.bodies import (
    DegradationPolicies,
    DegradationPolicy,
    DegradationRehearsal,
    Name,
    Reason,
    Version,
)
from reliability.degradation.domain import packing
from reliability.degradation.models import Policy
from reliability.degradation.operations import policies
from reliability.degradation.queries import history, signals
from reliability.kernel import clock

router = Router(tags=["degradation"])


class PolicyRequest(Asked):
    """A policy without its name, whether it is on, and why; ``version`` is 0 for a new one."""

    policy: dict[str, Any]
    on: bool = True
    reason: Reason
    version: Version


class VersionRequest(Asked):
    """The ``version`` of the policy that was looked at, and why."""

    reason: Reason
    version: Version


class DryRunRequest(Asked):
    """A policy with its name, and for how many hours back it is tried."""

    policy: dict[str, Any]
    hours: Annotated[float, Field(gt=0, le=168)] = 24.0


@router.get("/degradation/policies", response=DegradationPolicies, operation_id="list_policies", summary="Every policy")
def list_policies(request: HttpRequest) -> DegradationPolicies:
    """List every policy as a sentence, and how it stands."""
    access.admit(access.actor_of(request), "degradation.view")
    return DegradationPolicies(items=[bodies.policy(row) for row in Policy.objects.order_by("name")])


@router.put(
    "/degradation/policies/{name}", response=DegradationPolicy, operation_id="save_policy", summary="Save a policy"
)
def save_policy(request: HttpRequest, name: Path[Name], asked: PolicyRequest) -> DegradationPolicy:
    """Save a policy, or change one that there is."""
    actor = access.actor_of(request)
    access.admit(actor, "degradation.policy")
    wanted = packing.policy_read({**asked.policy, "name": name})
    signals.check(wanted)
    row = policies.save(
        wanted=wanted,
        is_on=asked.on,
        reason=asked.reason,
        actor=actor,
        version=asked.version,
        now=clock.SYSTEM.now(),
    )
    return bodies.policy(row)


@router.delete(
    "/degradation/policies/{name}", response={204: None}, operation_id="delete_policy", summary="Delete a policy"
)
def delete_policy(request: HttpRequest, name: Path[Name], asked: VersionRequest) -> Status[None]:
    """Delete a policy; its history stays."""
    actor, now = access.actor_of(request), clock.SYSTEM.now()
    policies.delete(name=name, reason=asked.reason, actor=actor, version=asked.version, now=now)
    return Status(204, None)


@router.post(
    "/degradation/policies/{name}/release",
    response=DegradationPolicy,
    operation_id="release_policy",
    summary="Let it decide again",
)
def release_policy(request: HttpRequest, name: Path[Name], asked: VersionRequest) -> DegradationPolicy:
    """Let a policy decide again that asks for a person."""
    actor, now = access.actor_of(request), clock.SYSTEM.now()
    row = policies.release(name=name, reason=asked.reason, actor=actor, version=asked.version, now=now)
    return bodies.policy(row)


@router.post(
    "/degradation/dry-runs", response=DegradationRehearsal, operation_id="dry_run_policy", summary="Try a policy"
)
def dry_run(request: HttpRequest, asked: DryRunRequest) -> DegradationRehearsal:
    """Say what a policy would have done with what is recorded; nothing is changed."""
    access.admit(access.actor_of(request), "degradation.view")
    wanted, now = packing.policy_read(asked.policy), clock.SYSTEM.now()
    return bodies.rehearsal(history.dry_run(wanted, begins=now - timedelta(hours=asked.hours), ends=now))
