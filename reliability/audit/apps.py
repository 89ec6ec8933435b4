"""The audit room as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Who did what, when and why."""

    name = "reliability.audit"
    label = "reliability_audit"
    verbose_name = "Activity"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen for acts that are refused at the door of a page, before any operation could write its entry."""
        from reliability.access.views import guard
        from reliability.audit import operations

        if operations.record_refusal not in guard.refusal_listeners:
            guard.refusal_listeners.append(operations.record_refusal)
