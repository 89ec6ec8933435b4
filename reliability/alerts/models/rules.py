"""Rules as they were saved, mutes, and the last look at everything."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from reliability.alerts.domain.muting import Covers


class Rule(models.Model):
    """A rule as it was saved, and how its condition stands."""

    name = models.TextField(primary_key=True)
    body = models.JSONField(help_text="see domain/packing.py")
    is_on = models.BooleanField(default=True)
    version = models.IntegerField(default=1, help_text="grows with each saving")
    actor = models.TextField()
    reason = models.TextField()
    saved_at = models.DateTimeField()
    state = models.JSONField(default=dict, help_text="how the condition stands; empty for rules on things")
    unknown = models.TextField(default="", help_text="why it cannot tell at the moment")

    class Meta:
        db_table = "reliability_alerts_rule"

    def __str__(self) -> str:
        return self.name


class Mute(models.Model):
    """Nobody is told of what it covers until then. It stays after its end: who muted what is history."""

    covers = models.CharField(max_length=12, choices=[(each.value, each.value) for each in Covers])
    of = models.TextField(default="", help_text="the rule, room, incident or glob of ids")
    until = models.DateTimeField()
    by = models.TextField()
    reason = models.TextField()
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, help_text="taken back before its time")
    ended_by = models.TextField(default="")

    class Meta:
        db_table = "reliability_alerts_mute"
        indexes: ClassVar = [models.Index(fields=["-until"], name="alerts_mute_until")]

    def __str__(self) -> str:
        return f"{self.covers} {self.of} until {self.until:%H:%M}"


class Turn(models.Model):
    """The last look at everything. One row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    at = models.DateTimeField(null=True, help_text="when what was written last had been looked at")
    took_ms = models.IntegerField(default=0)
    things = models.IntegerField(default=0)
    unread = models.JSONField(default=list, help_text="sources that could not be asked")
    late_told_at = models.DateTimeField(null=True, help_text="when channels heard that nobody looks")

    class Meta:
        db_table = "reliability_alerts_turn"

    def __str__(self) -> str:
        return f"looked at {self.at}"
