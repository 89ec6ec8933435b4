"""The access room as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Accounts, roles, topic scopes, tokens, login."""

    name = "reliability.access"
    label = "reliability_access"
    verbose_name = "Access"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have ``authorize`` ask the settings whether anybody may act, and codes be used up that set something up."""
        from django.apps import apps
        from django.conf import settings

        from reliability.access.domain.authorization import MODE

        MODE.is_read_only = lambda: bool(getattr(settings, "MAINSTAY_READ_ONLY", False))
        if apps.is_installed("allauth.mfa"):
            from allauth.mfa.signals import authenticator_added

            from reliability.access.forms import use_up_first

            authenticator_added.connect(use_up_first, dispatch_uid="mainstay.access.used_up")
