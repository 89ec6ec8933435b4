"""The demo's shop as a Django application."""

from __future__ import annotations

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """May be left out of INSTALLED_APPS; nothing else needs it."""

    name = "sagas.orders"
    label = "mainstay_orders"
    verbose_name = "Demo shop"

    def ready(self) -> None:
        """Tell what makes one of its groups stand still, and what it knows of an order."""
        from reliability.console import registry
        from sagas.orders import queries, related

        registry.register_cause(queries.cause)
        related.register()
