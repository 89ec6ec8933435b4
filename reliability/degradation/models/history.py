"""What became of flags, and what was measured."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from reliability.degradation.models.flags import SOURCES


class Kind(models.TextChoices):
    """What happened."""

    SET = "set", "set by hand"
    EXTENDED = "extended", "extended"
    TAKEN_BACK = "taken_back", "taken back"
    EXPIRED = "expired", "its time was over"
    ENTERED = "entered", "a policy degraded it"
    LEFT = "left", "a policy brought it back"
    HELD = "held", "a policy asks for a person"
    RELEASED = "released", "a policy decides again"
    SWITCHED = "switched", "a policy was saved, switched or deleted"
    SCHEDULED = "scheduled", "the schedule was changed"
    TIME = "time", "a window began or ended"
    DECLARED = "declared", "the code declares it otherwise"


class Change(models.Model):
    """One thing that happened to a flag; never changed. ``before`` and ``after`` are the levels in force."""

    flag = models.TextField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=16, choices=Kind.choices)
    before = models.SmallIntegerField()
    after = models.SmallIntegerField()
    source = models.CharField(max_length=16, choices=SOURCES, help_text="who decides afterwards")
    owner = models.TextField(default="", help_text="the policy or window that it is about")
    actor = models.TextField(default="")
    why = models.TextField(default="")
    until = models.DateTimeField(null=True)
    facts = models.JSONField(default=dict, help_text="signal values of that moment, by name")

    class Meta:
        db_table = "reliability_degradation_change"
        indexes: ClassVar = [
            models.Index(fields=["-at", "-id"], name="degradation_change_at"),
            models.Index(fields=["flag", "-at", "-id"], name="degradation_change_of"),
        ]

    def __str__(self) -> str:
        return f"{self.flag} {self.before} to {self.after}: {self.kind}"


class Sample(models.Model):
    """A signal that had one value from ``first`` to ``last``, looked at every second or so."""

    signal = models.TextField()
    subject = models.TextField()
    value = models.FloatField()
    first = models.DateTimeField()
    last = models.DateTimeField()

    class Meta:
        db_table = "reliability_degradation_sample"
        indexes: ClassVar = [
            models.Index(fields=["signal", "subject", "-first"], name="degradation_sample_of"),
            models.Index(fields=["first"], name="degradation_sample_first"),
        ]

    def __str__(self) -> str:
        return f"{self.signal} of {self.subject}: {self.value:g}"
