"""What the relays know and agree on."""

from __future__ import annotations

from django.db import models


class Setting(models.Model):
    """One row: what is fixed for this outbox, and whether its relays are halted."""

    id = models.SmallIntegerField(primary_key=True)
    name = models.TextField()
    shards = models.SmallIntegerField()
    system_identifier = models.TextField()
    timeline = models.TextField()
    halted_at = models.DateTimeField(null=True)
    halt_reason = models.TextField(blank=True)

    class Meta:
        managed = False
        db_table = "outbox_setting"

    def __str__(self) -> str:
        return f"outbox {self.name}"


class Shard(models.Model):
    """One shard: who sends it (lease), how far (snapshots), what is on its way (pending), and how it goes."""

    id = models.SmallIntegerField(primary_key=True)
    owner = models.TextField(blank=True)
    epoch = models.BigIntegerField()
    until = models.DateTimeField(null=True)
    snapshot = models.TextField(help_text="A: what it shows has been sent")
    window_end = models.TextField(blank=True, help_text="B of the window (A, B] that is being sent")
    after_id = models.BigIntegerField(help_text="within the window, sent up to this id")
    pending = models.JSONField(null=True, help_text="the batch that was about to be sent")
    numbers = models.JSONField(help_text="topic -> partition count, series, next number per partition")
    paused_at = models.DateTimeField(null=True)
    paused_by = models.TextField()
    pause_reason = models.TextField()
    failures = models.IntegerField()
    retry_at = models.DateTimeField(null=True)
    last_error = models.TextField()
    last_error_at = models.DateTimeField(null=True)
    sent = models.BigIntegerField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "outbox_shard"

    def __str__(self) -> str:
        return f"shard {self.id}"


class Member(models.Model):
    """A relay that lives, with or without shards."""

    owner = models.TextField(primary_key=True)
    host = models.TextField()
    pid = models.IntegerField()
    hosting = models.TextField(help_text="worker or process")
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "outbox_member"

    def __str__(self) -> str:
        return self.owner


class Topic(models.Model):
    """What the relay learned of a topic, for `append`, which never asks Kafka. Empty name: the broker's default."""

    topic = models.TextField(primary_key=True)
    limit_bytes = models.IntegerField()
    seen_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "outbox_topic"

    def __str__(self) -> str:
        return self.topic or "(broker default)"
