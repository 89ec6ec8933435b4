"""The Django app of dead letters."""

from __future__ import annotations

from django.apps import AppConfig


class DlqConfig(AppConfig):
    """Dead letters of every team, whatever wrote them."""

    name = "dlq"
    label = "dlq"
    verbose_name = "Dead letters"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell the console what there is to tell, and let acts and receipts wake the tasks."""
        from dlq.queries import board, needs, overview, storing
        from dlq.views import related
        from reliability.console import registry
        from reliability.kernel.clock import SYSTEM

        registry.register_panel(
            registry.Panel(
                slug="letters",
                title=overview.TITLE,
                tile=lambda actor: overview.tile(actor=actor, now=SYSTEM.now()),
                order=10,
            )
        )
        registry.register_panel(
            registry.Panel(
                slug="replays",
                title="Replays",
                tile=lambda actor: board.tile(actor=actor, now=SYSTEM.now()),
                order=15,
                page="letters",
            )
        )
        registry.register_attention(lambda actor: overview.attention(actor=actor, now=SYSTEM.now()))
        registry.register_attention(lambda actor: storing.attention())
        registry.register_needs(needs.needs)
        registry.register_timeline(overview.timeline)
        registry.register_figures(lambda: overview.figures(now=SYSTEM.now()))
        registry.register_cause(lambda subject, window: overview.cause(subject, window, now=SYSTEM.now()))
        _register_signals()
        registry.register_check(registry.Check(name="dead-letter topics", run=overview.check))
        registry.register_related(
            "order", registry.Related(name="Dead letters", act="letters.view", ask=related.letters, order=70)
        )
        self._tell_of_replays()

    def _tell_of_replays(self) -> None:
        from dlq import tasks
        from dlq.queries import board, replays
        from reliability.console import registry
        from reliability.live import queries as live_queries

        live_queries.guard("replay", replays.may_follow)
        registry.register_attention(lambda actor: board.attention())  # its items name their topics
        registry.register_timeline(board.timeline)
        registry.register_figures(board.figures)
        registry.on_touched("dlq.replay", tasks.wake)
        registry.on_touched("outbox.receipt", tasks.wake)


def _register_signals() -> None:
    from dlq.queries import overview
    from reliability.console import registry
    from reliability.kernel.clock import SYSTEM

    registry.register_signal(
        registry.Signal(
            name="letters.open",
            unit="letters",
            read=lambda consumer_group: overview.open_letters(consumer_group, now=SYSTEM.now()),
            room="letters",
        )
    )
    registry.register_signal(
        registry.Signal(
            name="letters.rate",
            unit="letters a minute",
            read=lambda consumer_group: overview.letter_rate(consumer_group, now=SYSTEM.now()),
            room="letters",
        )
    )
