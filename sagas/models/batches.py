"""Acts in bulk: what was planned and looked at, and what became of each item. They hold for more than sagas."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from reliability.access.domain import actors
from sagas.domain.batching import ItemState, State


class Batch(models.Model):
    """One act on many things. Its items and their numbers never change once it is planned; ``hash`` covers them.

    Counts are not kept but taken from the items: there are few, and so a worker needs no lock but its item's.
    """

    id = models.UUIDField(primary_key=True)
    kind = models.TextField(help_text="who knows how to do it: see operations.batches.table")
    title = models.TextField(help_text="the act in words")
    what = models.JSONField(help_text="the act and its parameters")
    filter = models.JSONField(help_text="what was asked for")
    left_out = models.JSONField(default=list, help_text="asked for, and not possible: text, count, examples")
    effects = models.JSONField(default=list, help_text="what is called: text, count")
    warnings = models.JSONField(default=list, help_text="what to weigh: text, count")
    hash = models.TextField()
    state = models.CharField(max_length=12, choices=[(each.value, each.value) for each in State], default=State.PLANNED)
    note = models.TextField(default="", help_text="why it stopped by itself")
    reason = models.TextField(default="")
    planned_by = models.TextField()
    # Who began it, whose rights are asked for again with each item.
    actor_kind = models.CharField(max_length=16, default="")
    actor_name = models.TextField(default="")
    actor_account = models.TextField(default="")
    ended_by = models.TextField(default="", help_text="who cancelled it")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "sagas_batch"
        indexes: ClassVar = [
            models.Index(fields=["id"], name="sagas_batch_running", condition=models.Q(state=State.RUNNING.value)),
            models.Index(fields=["kind", "-id"], name="sagas_batch_kind"),
            models.Index(fields=["-ended_at"], name="sagas_batch_ended", condition=models.Q(ended_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.state})"

    @property
    def begun_by(self) -> str:
        """Who began it, for people; "" before."""
        return actors.told(kind=self.actor_kind, name=self.actor_name, account=self.actor_account).in_words


class BatchItem(models.Model):
    """One thing of a batch. Its state changes in the transaction of what is done to it, and once."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="items", db_index=False)
    number = models.IntegerField()
    target = models.TextField()
    label = models.TextField()
    expected_version = models.BigIntegerField()
    details = models.JSONField(default=dict, help_text="what its kind wants to know again when its turn comes")
    follows = models.TextField(default="", help_text="what the act leads to, in words")
    state = models.CharField(
        max_length=12, choices=[(each.value, each.value) for each in ItemState], default=ItemState.PLANNED
    )
    message = models.TextField(default="")
    at = models.DateTimeField(null=True)

    class Meta:
        db_table = "sagas_batch_item"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["batch", "number"], name="sagas_batch_item_number"),
            models.UniqueConstraint(fields=["batch", "target"], name="sagas_batch_item_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["batch", "state", "number"], name="sagas_batch_item_state")]

    def __str__(self) -> str:
        return f"{self.number}: {self.label} ({self.state})"
