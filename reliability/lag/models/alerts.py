"""What somebody is told about a group, with the memory that keeps it from being told over and over."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from reliability.lag.domain.alerting import Kind, Phase
from reliability.lag.models.groups import Group


class Alert(models.Model):
    """A rule on a group (`domain.alerting.State`). No row: it was never more than quiet."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=12, choices=[(kind.value, kind.value) for kind in Kind])
    phase = models.CharField(max_length=12, choices=[(phase.value, phase.value) for phase in Phase])
    since = models.DateTimeField(help_text="when the phase began")
    told = models.BooleanField(default=False)
    raised_at = models.DateTimeField(null=True, help_text="when it was raised last")
    text = models.TextField(default="", help_text="what was wrong when it was raised last")

    class Meta:
        db_table = "reliability_lag_alert"
        constraints: ClassVar = [models.UniqueConstraint(fields=["group", "kind"], name="lag_alert_rule")]
        indexes: ClassVar = [models.Index(fields=["phase", "group"], name="lag_alert_phase")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.group}: {self.phase}"


class Mute(models.Model):
    """Nobody is told of a group's alerts until then. What is wrong stays in sight on its page."""

    group = models.OneToOneField(Group, on_delete=models.CASCADE, related_name="mute")
    until = models.DateTimeField()
    by = models.TextField()
    reason = models.TextField()
    at = models.DateTimeField()

    class Meta:
        db_table = "reliability_lag_mute"

    def __str__(self) -> str:
        return f"{self.group} until {self.until:%H:%M}"
