"""The breakers' room as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class BreakersConfig(AppConfig):
    """Circuit breakers that a fleet shares, and their history."""

    name = "reliability.breakers"
    label = "reliability_breakers"
    verbose_name = "Breakers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have what a store lost asked of what is written down."""
        from reliability.breakers import registry
        from reliability.breakers.queries import history

        registry.asks(history.last_known)
