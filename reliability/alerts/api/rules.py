"""``/alerts/rules``: what raises alerts, and who is told."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Path, Router, Status

from reliability import access, audit
from reliability.alerts.api import rule_bodies
from reliability.alerts.api.bodies import Name, Reason, Version
from reliability.alerts.api.incidents import reader
from reliability.alerts.api.rule_bodies import AlertRule, AlertRules
from reliability.alerts.domain import packing
from reliability.alerts.operations import rules as operations
from reliability.alerts.queries import rules
from reliability.console.asked import Asked
from reliability.kernel import clock

router = Router(tags=["alerts"])


class RuleRequest(Asked):
    """A rule without its name, whether it is on, and why; `version` is 0 for a new one."""

    rule: dict[str, Any]
    on: bool = True
    reason: Reason
    version: Version


class RuleDeleteRequest(Asked):
    """The `version` of the rule that was looked at, and why."""

    reason: Reason
    version: Version


@router.get("/alerts/rules", response=AlertRules, operation_id="list_rules", summary="Every rule")
def list_rules(request: HttpRequest) -> AlertRules:
    """List every rule as a sentence, and how it stands."""
    reader(request)
    return listed()


@router.get("/alerts/rules/{name}", response=AlertRule, operation_id="get_rule", summary="One rule")
def get_rule(request: HttpRequest, name: Path[Name]) -> AlertRule:
    """Read a rule."""
    reader(request)
    return rule_bodies.rule(rules.one(name))


@router.put("/alerts/rules/{name}", response=AlertRule, operation_id="save_rule", summary="Save a rule")
def save_rule(request: HttpRequest, name: Path[Name], asked: RuleRequest) -> AlertRule:
    """Save a rule, or change one that there is: alerts of it that stand go on, and are judged by the new one."""
    actor = access.actor_of(request)
    with audit.admitted("alerts.rule", actor=actor, target=operations.target(name)):
        wanted = packing.rule_read({**asked.rule, "name": name})
    row = operations.save(
        wanted=wanted,
        is_on=asked.on,
        reason=asked.reason,
        actor=actor,
        version=asked.version,
        now=clock.SYSTEM.now(),
    )
    return rule_bodies.rule(row)


@router.delete("/alerts/rules/{name}", response={204: None}, operation_id="delete_rule", summary="Delete a rule")
def delete_rule(request: HttpRequest, name: Path[Name], asked: RuleDeleteRequest) -> Status[None]:
    """Delete a rule: what it raised is over at the next look."""
    actor = access.actor_of(request)
    operations.delete(name=name, reason=asked.reason, actor=actor, version=asked.version)
    return Status(204, None)


def listed() -> AlertRules:
    """Return every rule."""
    return AlertRules(items=[rule_bodies.rule(row) for row in rules.every()])
