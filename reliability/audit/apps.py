"""The audit room as a Django app."""

from __future__ import annotations

from functools import partial

from django.apps import AppConfig, apps


class AuditConfig(AppConfig):
    """Who did what, when and why."""

    name = "reliability.audit"
    label = "reliability_audit"
    verbose_name = "Activity"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Listen for what happens outside an operation: acts refused at a page's door, changed passwords."""
        from reliability.access.views import guard
        from reliability.audit import operations

        if operations.record_refusal not in guard.refusal_listeners:
            guard.refusal_listeners.append(operations.record_refusal)
        if apps.is_installed("allauth.account"):
            from allauth.account.signals import password_changed

            password_changed.connect(operations.record_password_change)
        if apps.is_installed("allauth.mfa"):
            from allauth.mfa import signals

            for what, signal in (
                ("added", signals.authenticator_added),
                ("renewed", signals.authenticator_reset),
                ("removed", signals.authenticator_removed),
            ):
                hear = partial(operations.record_factor, what=what)
                signal.connect(hear, weak=False, dispatch_uid=f"mainstay-factor-{what}")
