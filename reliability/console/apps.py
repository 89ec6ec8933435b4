"""The console as a Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings


class ConsoleConfig(AppConfig):
    """Overview, health, doctor, and the registry where rooms meet."""

    name = "reliability.console"
    label = "reliability_console"
    verbose_name = "Console"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Start telemetry as the settings say, and register what the console itself can tell."""
        from reliability.console import certificates, checks, deeds, own, request_log
        from reliability.kernel.telemetry import tracing

        tracing.configure(
            service=getattr(settings, "OTEL_SERVICE_NAME", "mainstay"),
            endpoint=getattr(settings, "OTEL_EXPORTER_OTLP_ENDPOINT", ""),
            ratio=getattr(settings, "OTEL_TRACES_RATIO", 0.1),
        )
        tracing.instrument_clients()
        request_log.quiet()
        own.register()
        certificates.register()
        checks.register()
        deeds.register()
