"""The console as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Overview, health, doctor, and the registry where rooms meet."""

    name = "reliability.console"
    label = "reliability_console"
    verbose_name = "Console"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what the console itself can tell."""
