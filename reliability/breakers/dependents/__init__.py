"""Work that waits with the breakers that it depends on: consumers, topics of the outbox, Celery tasks."""

from __future__ import annotations

from reliability.breakers.dependents.tasks import task_waits_for
from reliability.breakers.dependents.waiting import WaitsFor, waits_for

__all__ = ["WaitsFor", "task_waits_for", "waits_for"]
