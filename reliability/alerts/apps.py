"""The alerts room as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """Who is told when something needs a person."""

    name = "reliability.alerts"
    label = "reliability_alerts"
    verbose_name = "Alerts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the console what there is to tell."""
        from reliability.alerts.queries import overview
        from reliability.console import registry
        from reliability.kernel.clock import SYSTEM

        registry.register_attention(lambda actor: overview.attention(actor=actor, now=SYSTEM.now()))
        registry.register_timeline(overview.timeline)
        registry.register_figures(lambda: overview.figures(now=SYSTEM.now()))
        registry.register_check(registry.Check(name="alerts", run=lambda: overview.check(now=SYSTEM.now())))
