"""Changes of where a group goes on: planned, looked at, applied, undone."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from reliability.lag.models.groups import Group


class State(models.TextChoices):
    """What became of a plan."""

    PLANNED = "planned", "planned"
    APPLYING = "applying", "being applied"
    APPLIED = "applied", "applied"
    PARTLY = "partly", "applied in part"
    REFUSED = "refused", "refused by Kafka"
    UNKNOWN = "unknown", "not known"


class Reset(models.Model):
    """One change of a group's commits.

    ``rows`` are the plan's (`domain.reset.Row`), never changed once made: what was looked at is what is applied.
    ``before`` is written, in a transaction of its own, before Kafka is told anything, so that a process that dies in
    between leaves a reset that can be told and undone.
    """

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="+")
    undoes = models.OneToOneField("self", null=True, on_delete=models.SET_NULL, related_name="undone_by")
    how = models.CharField(max_length=12)
    target = models.TextField(help_text="in words")
    topics = ArrayField(models.TextField())
    rows = models.JSONField()
    forget = models.JSONField(default=list, help_text="commits to delete, for the undo of a first one")
    hash = models.CharField(max_length=64)
    replayed = models.BigIntegerField()
    skipped = models.BigIntegerField()
    state = models.CharField(max_length=12, choices=State.choices, default=State.PLANNED)
    outcome = models.JSONField(default=dict, help_text="why a partition was not set, by topic and partition")
    reason = models.TextField(default="")
    planned_by = models.TextField()
    planned_at = models.DateTimeField()
    applied_by = models.TextField(default="")
    applied_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "reliability_lag_reset"
        indexes: ClassVar = [models.Index(fields=["group", "-id"], name="lag_reset_group")]
        constraints: ClassVar = [
            # Two operators at once: the second finds the first one's.
            models.UniqueConstraint(
                fields=["group"], condition=models.Q(state=State.APPLYING), name="lag_reset_one_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.group} to {self.target}"
