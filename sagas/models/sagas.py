"""Sagas and what belongs to them. ``Event`` is the truth; ``Saga`` follows from it, but for who works on it now."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from sagas.domain.history import Kind, Side
from sagas.domain.state import Status

STATUSES = [(status.value, status.value) for status in Status]


class Saga(models.Model):
    """One saga as lists need it. Until ``worker`` every column follows from its history; see ``queries/projection``."""

    id = models.UUIDField(primary_key=True)
    definition = models.TextField()
    definition_version = models.IntegerField()
    key = models.TextField(help_text="the business key, such as an order's number")
    status = models.CharField(max_length=16, choices=STATUSES)
    rank = models.SmallIntegerField(help_text="needs a person, goes on, is over")
    direction = models.CharField(max_length=8)
    step = models.TextField(default="", help_text="the step at hand")
    side = models.CharField(max_length=4, default="")
    effect = models.CharField(max_length=12, default="", help_text="how the step at hand stands")
    attempts = models.IntegerField(default=0, help_text="tries of the step at hand")
    waits_for = models.TextField(default="", help_text="the event that the step at hand waits for")
    parked = models.TextField(default="")
    reason = models.TextField(default="")
    error = models.TextField(default="", help_text="the last error of the step at hand")
    late = models.IntegerField(default=0)
    version = models.IntegerField()
    due_at = models.DateTimeField(null=True)
    deadline = models.DateTimeField(null=True)
    started_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    # Who works on it; not part of its history.
    worker = models.TextField(default="")
    fence = models.BigIntegerField(default=0, help_text="grows with every claim and every act of a person")
    look_at = models.DateTimeField(null=True, help_text="when a worker looks next; the lease's end while one works")
    claims = models.IntegerField(default=0, help_text="claims in a row that wrote nothing down")

    class Meta:
        db_table = "sagas_saga"
        constraints: ClassVar = [models.UniqueConstraint(fields=["definition", "key"], name="sagas_saga_key")]
        indexes: ClassVar = [
            models.Index(fields=["look_at"], name="sagas_saga_look", condition=models.Q(look_at__isnull=False)),
            models.Index(fields=["rank", "-changed_at", "-id"], name="sagas_saga_rank"),
            models.Index(fields=["status", "-changed_at", "-id"], name="sagas_saga_status"),
            models.Index(fields=["key"], name="sagas_saga_bykey", opclasses=["text_pattern_ops"]),
            models.Index(fields=["-started_at"], name="sagas_saga_started"),
            models.Index(fields=["definition", "step", "status"], name="sagas_saga_step"),
        ]

    def __str__(self) -> str:
        return f"{self.definition} {self.key}"


class Event(models.Model):
    """One entry of a history; never changed, never deleted while its saga is kept."""

    pk = models.CompositePrimaryKey("saga_id", "version")
    saga = models.ForeignKey(Saga, on_delete=models.CASCADE, related_name="+", db_index=False)
    version = models.IntegerField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=12, choices=[(kind.value, kind.value) for kind in Kind])
    step = models.TextField(default="")
    side = models.CharField(max_length=4, choices=[(side.value, side.value) for side in Side], default="")
    attempt = models.IntegerField(default=0)
    data = models.TextField(default="{}", help_text="JSON; text, because jsonb has no room for every character")
    actor = models.TextField(default="")
    fence = models.BigIntegerField(default=0)

    class Meta:
        db_table = "sagas_event"
        indexes: ClassVar = [models.Index(fields=["-at"], name="sagas_event_at")]

    def __str__(self) -> str:
        return f"{self.saga_id} {self.version}: {self.kind} {self.step}"


class Snapshot(models.Model):
    """What a history amounts to up to some entry, so that a long one need not be read whole."""

    saga = models.OneToOneField(Saga, on_delete=models.CASCADE, primary_key=True, related_name="+")
    version = models.IntegerField()
    state = models.TextField()

    class Meta:
        db_table = "sagas_snapshot"

    def __str__(self) -> str:
        return f"{self.saga_id} at {self.version}"


class Signal(models.Model):
    """An event that was told of a saga's key. It stays here until a step waits for it; told twice, it is here once."""

    definition = models.TextField()
    key = models.TextField()
    event = models.TextField()
    event_id = models.TextField(help_text="the same event has the same one, however often it is told")
    payload = models.TextField(default="null")
    at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "sagas_signal"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["definition", "key", "event", "event_id"], name="sagas_signal_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["at"], name="sagas_signal_open", condition=models.Q(taken_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.event} for {self.definition} {self.key}"


class Barrier(models.Model):
    """What a participant has done or refused to do, by key; see ``barrier``."""

    work = models.TextField(primary_key=True)
    side = models.CharField(max_length=8)
    at = models.DateTimeField()

    class Meta:
        db_table = "sagas_barrier"

    def __str__(self) -> str:
        return f"{self.work}: {self.side}"
