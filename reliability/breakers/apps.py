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
        """Have what a store lost asked of what is written down, and tell the console what there is to tell."""
        from reliability.breakers import registry as breakers
        from reliability.breakers.queries import history, overview
        from reliability.console import registry
        from reliability.kernel.clock import SYSTEM

        breakers.asks(history.last_known)
        registry.register_panel(
            registry.Panel(
                slug="breakers", title=overview.TITLE, tile=lambda actor: overview.tile(now=SYSTEM.now()), order=30
            )
        )
        registry.register_attention(lambda actor: overview.attention(now=SYSTEM.now()))
        registry.register_timeline(overview.timeline)
        registry.register_cause(lambda subject, window: overview.cause(subject, window, now=SYSTEM.now()))
        registry.register_figures(overview.figures)
        registry.register_check(registry.Check(name="breakers", run=overview.check))
        registry.register_signal(
            registry.Signal(name="breaker.state", unit="0 closed to 3 open", read=overview.state, room="breakers")
        )
        registry.register_signal(
            registry.Signal(name="breaker.failing", unit="percent", read=overview.failing, room="breakers")
        )
