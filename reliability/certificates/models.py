"""The table of certificates."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

ROLES = [("server", "server"), ("client", "client"), ("authority", "authority")]


class Certificate(models.Model):
    """One certificate that the console meets, as it was seen last. No row: nobody has looked yet."""

    name = models.TextField(primary_key=True, help_text="kafka main broker-1:9093")
    role = models.CharField(max_length=12, choices=ROLES)
    where = models.TextField()
    subject = models.TextField(blank=True, default="")
    ends_at = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True, help_text="when it was seen last")
    tried_at = models.DateTimeField()
    error = models.TextField(blank=True, default="", help_text="why the last look failed")

    class Meta:
        db_table = "reliability_certificate"
        ordering: ClassVar = ["ends_at", "name"]

    def __str__(self) -> str:
        return self.name
