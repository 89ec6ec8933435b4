"""Sagas as a Django application."""

from __future__ import annotations

from types import ModuleType

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class SagasConfig(AppConfig):
    """Steps over several systems that are done, or undone, whatever breaks in between."""

    name = "sagas"
    label = "sagas"
    verbose_name = "Sagas"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Find the definitions, in modules named ``sagas`` of installed apps; tell the console what there is."""
        from reliability.console import registry
        from reliability.kernel.clock import SYSTEM
        from reliability.live import queries as live
        from sagas.queries import batch_overview, overview, reconcile_overview
        from sagas.reconciler import listening
        from sagas.views import related
        from sagas.views.reconciling import related as related_findings

        autodiscover_modules("sagas", "reconciliations")
        _read_declared()
        registry.on_touched("saga", listening.on_sagas)
        registry.on_touched("record", listening.on_records)
        for word in ("saga", "batch", "finding"):
            live.guard(word, lambda actor, row_id: True)  # of no topic: their right is that of their page
        registry.register_panel(
            registry.Panel(slug="sagas", title="Sagas", tile=lambda actor: overview.tile(now=SYSTEM.now()), order=30)
        )
        registry.register_attention(lambda actor: overview.attention(now=SYSTEM.now()))
        registry.register_timeline(overview.timeline)
        registry.register_finder(overview.finder)
        registry.register_figures(lambda: overview.figures(now=SYSTEM.now()))
        registry.register_signal(
            registry.Signal(
                name="sagas.stuck", unit="sagas", read=lambda subject: overview.stuck(now=SYSTEM.now()), room="sagas"
            )
        )
        registry.register_check(registry.Check(name="sagas", run=lambda: overview.check(now=SYSTEM.now())))
        registry.register_related("order", registry.Related(name="Saga", act="sagas.view", ask=related.sagas, order=50))
        registry.register_related(
            "order", registry.Related(name="Findings", act="reconcile.view", ask=related_findings.of_key, order=55)
        )
        _register_batches(batch_overview)
        _register_findings(reconcile_overview)


def _read_declared() -> None:
    """What is compared by a file of the settings; a wrong one stops the start with a sentence."""
    from pathlib import Path

    from django.conf import settings

    from sagas.domain.reconciling.definition import WrongReconciliation
    from sagas.reconciler import declared

    if named := getattr(settings, "SAGAS_RECONCILIATIONS", ""):
        try:
            declared.read(Path(named))
        except WrongReconciliation as error:
            raise SystemExit(str(error)) from error


def _register_batches(told: ModuleType) -> None:
    from reliability.console import registry
    from reliability.kernel.clock import SYSTEM

    registry.register_timeline(told.timeline)
    registry.register_attention(lambda actor: told.attention(now=SYSTEM.now()))
    registry.register_check(registry.Check(name="bulk acts", run=lambda: told.check(now=SYSTEM.now())))


def _register_findings(told: ModuleType) -> None:
    from reliability.console import registry
    from reliability.kernel.clock import SYSTEM

    registry.register_panel(
        registry.Panel(slug="reconcile", title="Reconcile", tile=lambda actor: told.tile(now=SYSTEM.now()), order=35)
    )
    registry.register_attention(lambda actor: told.attention(now=SYSTEM.now()))
    registry.register_timeline(told.timeline)
    registry.register_finder(told.finder)
    registry.register_figures(lambda: told.figures(now=SYSTEM.now()))
    registry.register_signal(
        registry.Signal(
            name="reconcile.open",
            unit="findings",
            read=lambda subject: told.open_findings(now=SYSTEM.now()),
            room="reconcile",
        )
    )
    registry.register_check(registry.Check(name="reconcile", run=lambda: told.check(now=SYSTEM.now())))
