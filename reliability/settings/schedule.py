"""Which queue a Celery task goes to, and what beat sends when. Messages are wake-ups, the truth is in PostgreSQL."""

from __future__ import annotations

from typing import Any

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
SCHEDULE: dict[str, dict[str, Any]] = {
    "outbox.sweep": {"task": "outbox.sweep", "schedule": 5.0, "options": {"expires": 5}},
    "outbox.upkeep": {"task": "outbox.upkeep", "schedule": 30.0, "options": {"expires": 30}},
    "dlq.feed": {"task": "dlq.feed", "schedule": 2.0, "options": {"expires": 2}},
    "dlq.settle": {"task": "dlq.settle", "schedule": 2.0, "options": {"expires": 2}},
    "dlq.sweep": {"task": "dlq.sweep", "schedule": 300.0, "options": {"expires": 300}},
    "sagas.run": {"task": "sagas.run", "schedule": 1.0, "options": {"expires": 1}},
    "sagas.batches": {"task": "sagas.batches", "schedule": 5.0, "options": {"expires": 5}},
    "sagas.sweep": {"task": "sagas.sweep", "schedule": 60.0, "options": {"expires": 60}},
    "breakers.record": {"task": "breakers.record", "schedule": 1.0, "options": {"expires": 1}},
    "breakers.forget": {"task": "breakers.forget", "schedule": 3600.0, "options": {"expires": 3600}},
    "alerts.evaluate": {"task": "alerts.evaluate", "schedule": 5.0, "options": {"expires": 5}},
    "alerts.deliver": {"task": "alerts.deliver", "schedule": 2.0, "options": {"expires": 2}},
    "alerts.forget": {"task": "alerts.forget", "schedule": 3600.0, "options": {"expires": 3600}},
    "degradation.evaluate": {"task": "degradation.evaluate", "schedule": 1.0, "options": {"expires": 1}},
    "degradation.forget": {"task": "degradation.forget", "schedule": 3600.0, "options": {"expires": 3600}},
    # Looks once an hour at each; more often it only asks whether it is time.
    "certificates.look": {"task": "certificates.look", "schedule": 60.0, "options": {"expires": 60}},
    "sagas.reconcile": {"task": "sagas.reconcile", "schedule": 2.0, "options": {"expires": 2}},
}
