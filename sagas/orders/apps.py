"""The demo's shop as a Django application."""

from __future__ import annotations

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """May be left out of INSTALLED_APPS; nothing else needs it."""

    name = "sagas.orders"
    label = "mainstay_orders"
    verbose_name = "Demo shop"
