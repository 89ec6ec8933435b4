"""Discards: letters given up for a reason, restorable for a while."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from dlq.models.letters import Letter


class Discard(models.Model):
    """One act of discarding. ``skipped`` counts letters of the scope that were not free to be discarded, by reason."""

    scope = models.JSONField()
    reason = models.TextField()
    actor = models.TextField()
    topics = ArrayField(models.TextField())
    count = models.IntegerField()
    skipped = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    undo_until = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_by = models.TextField(blank=True, default="")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["-id"], name="dlq_discard_newest")]

    def __str__(self) -> str:
        return f"discard {self.pk}: {self.count} letters"


class DiscardedLetter(models.Model):
    """One letter of a discard and the state that undoing gives back to it."""

    pk = models.CompositePrimaryKey("discard_id", "letter_id")
    discard = models.ForeignKey(Discard, on_delete=models.CASCADE, related_name="letters", db_index=False)
    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="discards")
    was = models.TextField()

    def __str__(self) -> str:
        return f"letter {self.letter_id} of discard {self.discard_id}"
