"""What happened to a group: rebalances, verdicts that came and went, resets."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from reliability.lag.models.groups import Group


class Kind(models.TextChoices):
    """What an event is about."""

    VERDICT = "verdict", "verdict"
    REBALANCE = "rebalance", "rebalance"
    STATE = "state", "state"
    RESET = "reset", "reset"
    ALERT = "alert", "alert"


class Event(models.Model):
    """One line of a group's timeline, made by the poller."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()
    kind = models.CharField(max_length=12, choices=Kind.choices)
    status = models.CharField(max_length=8)
    text = models.TextField()
    facts = models.JSONField(default=dict)

    class Meta:
        db_table = "reliability_lag_event"
        indexes: ClassVar = [
            models.Index(fields=["group", "-at"], name="lag_event_group"),
            models.Index(fields=["-at"], name="lag_event_at"),
        ]

    def __str__(self) -> str:
        return self.text
