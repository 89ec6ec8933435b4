"""``/alerts/rules/preview``: what a rule would take, before it is saved."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router

from reliability.alerts.api import rule_bodies
from reliability.alerts.api.incidents import reader
from reliability.alerts.api.rule_bodies import AlertPreview
from reliability.alerts.domain import packing
from reliability.alerts.evaluator.preview import preview
from reliability.console.asked import Asked

router = Router(tags=["alerts"])
UNNAMED = "unnamed"


class PreviewRequest(Asked):
    """A rule; one without a name is looked at as a new one."""

    rule: dict[str, Any]


@router.post("/alerts/rules/preview", response=AlertPreview, operation_id="preview_rule", summary="Try a rule")
def preview_rule(request: HttpRequest, asked: PreviewRequest) -> AlertPreview:
    """Say what a rule would take right now and which incidents that would be; nothing is changed."""
    actor = reader(request)
    return rule_bodies.preview(preview(packing.rule_read({"name": UNNAMED, **asked.rule}), actor=actor))
