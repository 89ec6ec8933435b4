"""Events, and what became of those that are special: parked ones and those with a receipt."""

from __future__ import annotations

from django.db import models


class Event(models.Model):
    """One appended event. Append-only: never updated, dropped with its whole partition.

    The table has two columns that the ORM does not show: ``xid`` (the transaction that wrote it) decides when it is
    read, and belongs to the relay alone.
    """

    id = models.BigIntegerField(primary_key=True)
    shard = models.SmallIntegerField()
    event_id = models.UUIDField()
    created_at = models.DateTimeField()
    topic = models.TextField()
    partition = models.IntegerField(null=True)
    timestamp_ms = models.BigIntegerField(null=True)
    key = models.BinaryField(null=True)
    value = models.BinaryField(null=True)
    headers = models.BinaryField()
    raw = models.BooleanField()
    receipt = models.BooleanField()
    aggregate_type = models.TextField()
    aggregate_id = models.TextField()
    event_type = models.TextField()

    class Meta:
        managed = False
        db_table = "outbox_event"

    def __str__(self) -> str:
        return f"event {self.event_id} to {self.topic}"


class Parked(models.Model):
    """An event that cannot be sent, or that waits behind one of its key that cannot. Ordered by ``event``."""

    event = models.BigIntegerField(primary_key=True, help_text="id of the row in outbox_event")
    event_id = models.UUIDField()
    shard = models.SmallIntegerField()
    topic = models.TextField()
    key = models.BinaryField(null=True)
    behind = models.BooleanField(help_text="nothing is wrong with it: it waits for one before it")
    code = models.TextField()
    reason = models.TextField()
    number = models.TextField(blank=True, help_text="the number that was spent on it before the broker refused it")
    parked_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "outbox_parked"

    def __str__(self) -> str:
        return f"parked {self.event_id}: {self.code}"


class Waiting(models.Model):
    """An event that was read and is not sent yet, because its topic waits for a breaker. Ordered by ``event``."""

    event = models.BigIntegerField(primary_key=True, help_text="id of the row in outbox_event")
    shard = models.SmallIntegerField()
    topic = models.TextField()
    since = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "outbox_waiting"

    def __str__(self) -> str:
        return f"event {self.event} of {self.topic} waits"


class Receipt(models.Model):
    """Where an event that asked for a receipt went. ``state`` is sent, unknown or refused."""

    event_id = models.UUIDField(primary_key=True)
    topic = models.TextField()
    partition = models.IntegerField(null=True)
    offset = models.BigIntegerField(null=True)
    sha256 = models.BinaryField()
    state = models.TextField()
    error = models.TextField()
    at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "outbox_receipt"

    def __str__(self) -> str:
        return f"receipt of {self.event_id}: {self.state}"
