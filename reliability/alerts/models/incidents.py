"""Incidents, the alerts that they are made of, and what happened to them."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from reliability.alerts.domain.standing import Phase


class Incident(models.Model):
    """Alerts that are one trouble for a person. It is over when none of them is up."""

    rule = models.TextField()
    key = models.TextField(help_text="what its alerts have in common")
    severity = models.CharField(max_length=8, help_text="of the worst alert so far")
    title = models.TextField()
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    resolved_why = models.TextField(default="")
    count = models.IntegerField(default=0, help_text="alerts that are up")
    count_ever = models.IntegerField(default=0)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.TextField(default="")
    acknowledged_why = models.TextField(default="")
    is_muted = models.BooleanField(default=False, help_text="at the last turn")
    told = models.CharField(max_length=8, default="", help_text="the severity that was told; empty: nobody was")
    told_to = ArrayField(models.TextField(), default=list, help_text="channels that heard of it")
    told_at = models.DateTimeField(null=True)
    acknowledgement_told = models.BooleanField(default=False)
    is_settled = models.BooleanField(default=False, help_text="over, and whoever heard of it heard that, too")
    topics = ArrayField(models.TextField(), default=list, help_text="all that its alerts ever named")
    version = models.IntegerField(default=1, help_text="grows with each act of a person")

    class Meta:
        db_table = "reliability_alerts_incident"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["rule", "key"], condition=models.Q(resolved_at=None), name="alerts_incident_one_open"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=models.Q(is_settled=False), name="alerts_incident_unsettled"),
            models.Index(fields=["-resolved_at", "-id"], name="alerts_incident_resolved"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.title}"


class Alert(models.Model):
    """One thing, or one signal, that a rule found. While ``ended_at`` is empty it stands; then it is history."""

    rule = models.TextField()
    thing = models.TextField(help_text="the item's id, or the signal with its subject")
    source = models.TextField(help_text="who tells of it")
    room = models.TextField()
    phase = models.CharField(max_length=12, choices=[(phase.value, phase.value) for phase in Phase])
    since = models.DateTimeField(help_text="when the phase began")
    severity = models.CharField(max_length=8)
    title = models.TextField()
    detail = models.TextField(default="")
    url = models.TextField(default="")
    topics = ArrayField(models.TextField(), default=list)
    began_at = models.DateTimeField(help_text="when the trouble began, as far as its room knows")
    raised_at = models.DateTimeField(null=True, help_text="when it joined its incident")
    ended_at = models.DateTimeField(null=True)
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, null=True, related_name="alerts")

    class Meta:
        db_table = "reliability_alerts_alert"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["rule", "thing"], condition=models.Q(ended_at=None), name="alerts_alert_one_standing"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["incident", "id"], name="alerts_alert_incident")]

    def __str__(self) -> str:
        return f"{self.thing}: {self.phase}"


class Happening(models.Model):
    """One thing that happened to an incident; never changed."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="happenings")
    at = models.DateTimeField()
    kind = models.CharField(max_length=16)
    text = models.TextField()
    actor = models.TextField(default="", help_text="empty: nobody, it happened")

    class Meta:
        db_table = "reliability_alerts_happening"
        indexes: ClassVar = [
            models.Index(fields=["incident", "id"], name="alerts_happening_of"),
            models.Index(fields=["-at"], name="alerts_happening_at"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"
