"""Messages on their way, and what became of them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from reliability.alerts.models.incidents import Incident


class State(models.TextChoices):
    """Where a message is."""

    WAITING = "waiting", "on its way"
    SENT = "sent", "taken by the other side"
    GIVEN_UP = "given_up", "given up"


class Delivery(models.Model):
    """One message to one channel, written with what it tells of: neither is there without the other.

    Messages about one incident go to a channel in the order of their ids, the next one when the former is over.
    """

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, null=True, related_name="deliveries")
    channel = models.TextField()
    event = models.CharField(max_length=12)
    body = models.JSONField(help_text="see domain/message.py")
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.IntegerField(default=0)
    claimed_until = models.DateTimeField(null=True, help_text="somebody is sending it")
    claim = models.IntegerField(default=0, help_text="grows with each claim, so that a late sender finds out")
    answer = models.TextField(default="", help_text="what came of the last try")
    status = models.IntegerField(null=True, help_text="HTTP or SMTP code of the last try")
    done_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "reliability_alerts_delivery"
        indexes: ClassVar = [
            models.Index(
                fields=["channel", "id"], condition=models.Q(state=State.WAITING), name="alerts_delivery_waiting"
            ),
            models.Index(fields=["incident", "channel", "id"], name="alerts_delivery_of"),
            models.Index(fields=["-created_at", "-id"], name="alerts_delivery_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.channel}: {self.state}"
