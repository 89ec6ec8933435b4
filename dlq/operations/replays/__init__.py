"""Runs: approving a plan, feeding the outbox, and what an operator does with a run."""

from __future__ import annotations

from dlq.operations.replays.approval import Approval, NothingLeft, PlanChanged, PlanExpired, approve
from dlq.operations.replays.control import OnTheWay, cancel, change_rate, choose_group, pause, resume
from dlq.operations.replays.feeding import feed

__all__ = [
    "Approval",
    "NothingLeft",
    "OnTheWay",
    "PlanChanged",
    "PlanExpired",
    "approve",
    "cancel",
    "change_rate",
    "choose_group",
    "feed",
    "pause",
    "resume",
]
