"""Tables of the reconciler: looks at both sides, what they found, and which keys are to be looked at soon."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from sagas.domain.reconciling.finding import Note, State
from sagas.domain.reconciling.outcome import Outcome


class Comparison(models.Model):
    """One look of a reconciliation at both sides, whole."""

    id = models.BigAutoField(primary_key=True)
    reconciliation = models.TextField()
    outcome = models.CharField(max_length=12, choices=[(each.value, each.value) for each in Outcome])
    asked_by = models.TextField(default="", help_text="empty when it was its turn")
    asked_at = models.DateTimeField()
    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    compared = models.BigIntegerField(default=0, help_text="keys")
    differing = models.BigIntegerField(default=0, help_text="keys on which the sides differ, the watched ones too")
    opened = models.IntegerField(default=0)
    closed = models.IntegerField(default=0)
    unread = models.BigIntegerField(default=0, help_text="keys of which a side gave no answer")
    unjudged = models.BigIntegerField(default=0, help_text="keys on which the definition itself failed")
    error = models.TextField(default="", help_text="the first thing that went wrong")

    class Meta:
        db_table = "sagas_comparison"
        indexes: ClassVar = [
            models.Index(fields=["reconciliation", "-id"], name="sagas_comparison_newest"),
            models.Index(
                fields=["reconciliation"],
                name="sagas_comparison_open",
                condition=models.Q(outcome__in=[Outcome.ASKED, Outcome.RUNNING]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reconciliation} {self.id}: {self.outcome}"


class Finding(models.Model):
    """One key whose sides differ, or did; there is one for each key, however often they do."""

    id = models.BigAutoField(primary_key=True)
    reconciliation = models.TextField()
    key = models.TextField()
    state = models.CharField(max_length=12, choices=[(each.value, each.value) for each in State])
    rank = models.SmallIntegerField(help_text="open, being repaired, watched, dismissed, closed")
    difference = models.TextField(default="")
    fingerprint = models.TextField(default="")
    episode = models.IntegerField(default=0)
    why = models.TextField(default="")
    violated = models.TextField(default="[]", help_text="names of invariants, JSON")
    expected = models.TextField(
        default="[]", help_text="rows, JSON; text, because jsonb has no room for every character"
    )
    seen = models.TextField(default="[]")
    version = models.IntegerField(default=0, help_text="entries of its history")
    first_at = models.DateTimeField(null=True)
    opens_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True)
    acted_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    repair = models.TextField(default="")
    repairs = models.IntegerField(default=0)
    patient_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "sagas_finding"
        constraints: ClassVar = [models.UniqueConstraint(fields=["reconciliation", "key"], name="sagas_finding_key")]
        indexes: ClassVar = [
            models.Index(fields=["rank", "opened_at", "id"], name="sagas_finding_rank"),
            models.Index(
                fields=["reconciliation", "looked_at"], name="sagas_finding_active", condition=models.Q(rank__lt=4)
            ),
            models.Index(fields=["key"], name="sagas_finding_bykey", opclasses=["text_pattern_ops"]),
            models.Index(fields=["ended_at"], name="sagas_finding_ended", condition=models.Q(rank=4)),
        ]

    def __str__(self) -> str:
        return f"{self.reconciliation} {self.key}: {self.state}"


class FindingEntry(models.Model):
    """A line of a finding's history; never changed."""

    pk = models.CompositePrimaryKey("finding_id", "version")
    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="+", db_index=False)
    version = models.IntegerField()
    at = models.DateTimeField()
    note = models.CharField(max_length=12, choices=[(each.value, each.value) for each in Note])
    data = models.TextField(default="{}")
    actor = models.TextField(default="")

    class Meta:
        db_table = "sagas_findingentry"
        indexes: ClassVar = [models.Index(fields=["-at"], name="sagas_findingentry_at")]

    def __str__(self) -> str:
        return f"{self.finding_id} {self.version}: {self.note}"


class Touched(models.Model):
    """A key that something has just changed: it is looked at when it is due. A lost row is covered by the schedule."""

    id = models.BigAutoField(primary_key=True)
    reconciliation = models.TextField()
    key = models.TextField()
    due_at = models.DateTimeField()

    class Meta:
        db_table = "sagas_touched"
        constraints: ClassVar = [models.UniqueConstraint(fields=["reconciliation", "key"], name="sagas_touched_key")]
        indexes: ClassVar = [models.Index(fields=["due_at"], name="sagas_touched_due")]

    def __str__(self) -> str:
        return f"{self.reconciliation} {self.key}"
