"""The Django app of the outbox."""

from __future__ import annotations

from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """Events of committed transactions, on their way to Kafka."""

    name = "outbox"
    label = "outbox"
    verbose_name = "Outbox"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the console what there is to tell."""
        from outbox.queries import causes, needs, overview
        from outbox.relay import leases, sending
        from outbox.views import related
        from reliability.console import registry
        from reliability.kafka.confluent.settings import MAX_POLL_INTERVAL_S
        from reliability.kafka.loop import LoopPolicy
        from reliability.kernel.clock import SYSTEM

        registry.register_panel(
            registry.Panel(
                slug="outbox",
                title="Outbox",
                tile=lambda actor: overview.tile(actor=actor, now=SYSTEM.now()),
                order=20,
            )
        )
        registry.register_attention(lambda actor: overview.attention(actor=actor, now=SYSTEM.now()))
        registry.register_timeline(overview.timeline)
        registry.register_needs(needs.needs)
        registry.register_cause(lambda subject, window: causes.cause(subject, window, now=SYSTEM.now()))
        registry.register_figures(lambda: overview.figures(now=SYSTEM.now()))
        registry.register_signal(
            registry.Signal(
                name="outbox.oldest_age",
                unit="s",
                read=lambda subject: overview.oldest_age(now=SYSTEM.now()),
                room="outbox",
            )
        )
        registry.register_ladder(
            registry.Ladder(
                name="relay and consumers",
                rungs=(
                    ("delivery to Kafka", sending.DELIVERY_TIMEOUT_S),
                    ("relay's lease", leases.LEASE_S),
                    ("handler's deadline", LoopPolicy().deadline_s),
                    ("group's poll interval", MAX_POLL_INTERVAL_S),
                ),
            )
        )
        registry.register_check(registry.Check(name="outbox", run=lambda: overview.check(now=SYSTEM.now())))
        registry.register_related(
            "order", registry.Related(name="Events", act="outbox.view", ask=related.events, order=60)
        )
