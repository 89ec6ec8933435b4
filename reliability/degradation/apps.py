"""The degradation room as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class DegradationConfig(AppConfig):
    """Flags with levels, who decides them, and policies that do."""

    name = "reliability.degradation"
    label = "reliability_degradation"
    verbose_name = "Degradation"
    default_auto_field = "django.db.models.BigAutoField"
