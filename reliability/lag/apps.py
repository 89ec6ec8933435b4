"""The lag room as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class LagConfig(AppConfig):
    """Consumer groups: how far behind, why, until when."""

    name = "reliability.lag"
    label = "reliability_lag"
    verbose_name = "Consumer lag"
    default_auto_field = "django.db.models.BigAutoField"
