"""The lag room as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class LagConfig(AppConfig):
    """Consumer groups: how far behind, why, until when."""

    name = "reliability.lag"
    label = "reliability_lag"
    verbose_name = "Consumer lag"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the console what there is to tell."""
        from reliability.console import registry
        from reliability.kernel.clock import SYSTEM
        from reliability.lag.queries import figures, needs, overview

        registry.register_panel(
            registry.Panel(
                slug="lag",
                title=overview.TITLE,
                tile=lambda actor: overview.tile(actor=actor, now=SYSTEM.now()),
                order=12,
            )
        )
        registry.register_attention(lambda actor: overview.attention(actor=actor, now=SYSTEM.now()))
        registry.register_timeline(overview.timeline)
        registry.register_figures(figures.figures)
        registry.register_finder(overview.find)
        registry.register_needs(needs.needs)
        registry.register_signal(registry.Signal(name="lag.records", unit="records", read=overview.records, room="lag"))
        registry.register_signal(registry.Signal(name="lag.seconds", unit="s", read=overview.seconds, room="lag"))
        registry.register_check(registry.Check(name="consumer lag", run=lambda: overview.check(now=SYSTEM.now())))
