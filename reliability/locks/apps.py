"""The locks room as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class LocksConfig(AppConfig):
    """Leases with fencing numbers."""

    name = "reliability.locks"
    label = "reliability_locks"
    verbose_name = "Locks"
    default_auto_field = "django.db.models.BigAutoField"
