"""The live room as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class LiveConfig(AppConfig):
    """Hints, versions, heartbeats."""

    name = "reliability.live"
    label = "reliability_live"
    verbose_name = "Live pages"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Celery's processes beat too."""
        from reliability.live import workers

        workers.connect()
