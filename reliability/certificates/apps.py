"""The certificates' room as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class CertificatesConfig(AppConfig):
    """Until when certificates hold. The console, which is above this room, tells it."""

    name = "reliability.certificates"
    label = "reliability_certificates"
    verbose_name = "Certificates"
    default_auto_field = "django.db.models.BigAutoField"
