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
        from dlq import tasks
        from dlq.queries import board
        from reliability.console import registry

        registry.register_attention(board.attention)
        registry.register_timeline(board.timeline)
        registry.register_figures(board.figures)
        registry.on_touched("dlq.replay", tasks.wake)
        registry.on_touched("outbox.receipt", tasks.wake)
