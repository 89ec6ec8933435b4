"""Circuit breakers that a fleet shares: ``breaker("payments")`` around calls, ``BreakerOpen`` for those not made.

What depends on one waits with it: ``outbox.consume.Consumer(breakers=["payments"])``, a topic of the outbox by
``MAINSTAY_OUTBOX_WAITS_FOR``, a Celery task under ``@task_waits_for("payments")``, anything else by ``waits_for``.
"""

from __future__ import annotations

from reliability.breakers.dependents import WaitsFor, task_waits_for, waits_for
from reliability.breakers.domain.rules import Rules, WrongRules
from reliability.breakers.guard.errors import BreakerOpen
from reliability.breakers.registry import breaker

__all__ = ["BreakerOpen", "Rules", "WaitsFor", "WrongRules", "breaker", "task_waits_for", "waits_for"]
