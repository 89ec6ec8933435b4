"""The degradation room as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class DegradationConfig(AppConfig):
    """Flags with levels, who decides them, and policies that do."""

    name = "reliability.degradation"
    label = "reliability_degradation"
    verbose_name = "Degradation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the console what there is to tell."""
        from reliability.console import registry
        from reliability.degradation.queries import overview
        from reliability.kernel.clock import SYSTEM

        registry.register_panel(
            registry.Panel(
                slug="degradation", title=overview.TITLE, tile=lambda actor: overview.tile(now=SYSTEM.now()), order=35
            )
        )
        registry.register_attention(lambda actor: overview.attention(now=SYSTEM.now()))
        registry.register_timeline(overview.timeline)
        registry.register_figures(lambda: overview.figures(now=SYSTEM.now()))
        registry.register_check(registry.Check(name="degradation", run=lambda: overview.check(now=SYSTEM.now())))
        registry.register_signal(
            registry.Signal(name="degradation.level", unit="level", read=overview.level, room="degradation")
        )
