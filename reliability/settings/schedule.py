"""Which queue a Celery task goes to, and what beat sends when. Messages are wake-ups, the truth is in PostgreSQL."""

from __future__ import annotations

from typing import Any

from reliability.kernel.clock import CLOCKS_APART_S

ROUTES = {
    "outbox.relay": {"queue": "relay"},
    "outbox.sweep": {"queue": "critical"},
    "outbox.upkeep": {"queue": "standard"},
    "dlq.feed": {"queue": "critical"},
    "dlq.settle": {"queue": "critical"},
    "dlq.sweep": {"queue": "bulk"},
    "sagas.run": {"queue": "standard"},
    "sagas.batches": {"queue": "bulk"},
    "sagas.sweep": {"queue": "bulk"},
    "sagas.reconcile": {"queue": "bulk"},
    "breakers.record": {"queue": "standard"},
    "breakers.forget": {"queue": "bulk"},
    "alerts.evaluate": {"queue": "critical"},
    "alerts.deliver": {"queue": "critical"},
    "alerts.forget": {"queue": "bulk"},
    "degradation.evaluate": {"queue": "critical"},
    "degradation.forget": {"queue": "bulk"},
    "certificates.look": {"queue": "bulk"},
}
REST_WHEN_READ_ONLY = frozenset(
    {"outbox.relay", "outbox.sweep", "dlq.feed", "sagas.run", "sagas.batches", "degradation.evaluate"}
)
"""Tasks that send, call or decide something: in read-only mode they do nothing."""
EVERY_S = {
    "outbox.sweep": 5.0,
    "outbox.upkeep": 30.0,
    "dlq.feed": 2.0,
    "dlq.settle": 2.0,
    "dlq.sweep": 300.0,
    "sagas.run": 1.0,
    "sagas.batches": 5.0,
    "sagas.sweep": 60.0,
    "breakers.record": 1.0,
    "breakers.forget": 3600.0,
    "alerts.evaluate": 5.0,
    "alerts.deliver": 2.0,
    "alerts.forget": 3600.0,
    "degradation.evaluate": 1.0,
    "degradation.forget": 3600.0,
    "certificates.look": 60.0,  # looks once an hour at each; more often it only asks whether it is time
    "sagas.reconcile": 2.0,
}
# A message that nobody took in time is dropped: the next one says the same.
SCHEDULE: dict[str, dict[str, Any]] = {
    task: {"task": task, "schedule": every_s, "options": {"expires": max(every_s, CLOCKS_APART_S)}}
    for task, every_s in EVERY_S.items()
}
