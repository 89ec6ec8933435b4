"""The table of heartbeats."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Heartbeat(models.Model):
    """A process said that it lives. One row per life: in a container the next one has the same number.

    ``at`` is the database's time, ``started_at`` the host's.
    """

    name = models.CharField(max_length=100)
    host = models.CharField(max_length=255)
    pid = models.IntegerField()
    state = models.CharField(max_length=32)
    facts = models.JSONField(default=dict)
    started_at = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "host", "pid", "started_at"], name="live_heartbeat_life")
        ]

    def __str__(self) -> str:
        return f"{self.name} on {self.host} ({self.pid}): {self.state}"
