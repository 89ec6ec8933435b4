"""The Django app of dead letters."""

from __future__ import annotations

from django.apps import AppConfig


class DlqConfig(AppConfig):
    """Dead letters of every team, whatever wrote them."""

    name = "dlq"
    label = "dlq"
    verbose_name = "Dead letters"
    default_auto_field = "django.db.models.BigAutoField"
