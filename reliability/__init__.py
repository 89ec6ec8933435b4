"""Mainstay: the project, and the house of the rooms that make a service's reliability visible and repairable.

Another Django project installs the rooms with ``INSTALLED_APPS += [*reliability.ROOMS, "outbox", "sagas"]``.
"""

from __future__ import annotations

ROOMS: tuple[str, ...] = (
    "reliability.access",
    "reliability.audit",
    "reliability.live",
    "reliability.locks",
    "reliability.certificates",
    "reliability.console",
    "reliability.lag",
    "reliability.breakers",
    "reliability.degradation",
    "reliability.alerts",
)
