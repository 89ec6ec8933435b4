"""Letters, their failure groups, and the topics they came from."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class State(models.TextChoices):
    """Where a letter stands."""

    OPEN = "open", "open"
    REPLAYING = "replaying", "replaying"
    RESOLVED = "resolved", "resolved"
    DISCARDED = "discarded", "discarded"
    QUARANTINED = "quarantined", "quarantined"


FREE = (State.OPEN, State.QUARANTINED)
"""The states from which somebody may act on a letter."""

STANDING = (State.OPEN, State.REPLAYING, State.QUARANTINED)
"""The states of letters that wait for something; the others are closed."""


class Cause(models.TextChoices):
    """Why the letters of a group died; it picks the best act."""

    FORMAT = "format", "format"
    BUSINESS = "business", "business rule"
    DEPENDENCY = "dependency", "dependency"
    BUG = "bug", "bug"
    RESOURCE = "resource", "resource"
    UNKNOWN = "unknown", "unknown"


class Source(models.Model):
    """One dead-letter topic we read, under the id its broker gave it; a recreated topic has another id."""

    cluster = models.TextField()
    topic = models.TextField()
    topic_id = models.TextField()
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    replaced_id = models.TextField(blank=True, default="")  # the id the same name had before, "" for the first

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "topic", "topic_id"], name="dlq_source_once"),
        ]

    def __str__(self) -> str:
        return f"{self.cluster}/{self.topic}"


class LetterGroup(models.Model):
    """Letters with one fingerprint: one failure, however many records it hit."""

    fingerprint = models.TextField(unique=True)
    consumer_group = models.TextField(blank=True, default="")
    error_type = models.TextField(blank=True, default="")
    title = models.TextField()
    frame = models.TextField(blank=True, default="")
    sample_message = models.TextField(blank=True, default="")
    topic = models.TextField(blank=True, default="")  # origin topic of the newest letter
    topics = ArrayField(models.TextField(), default=list)  # every origin topic seen
    sources = ArrayField(models.TextField(), default=list)  # every dead-letter topic seen
    cause = models.TextField(choices=Cause, default=Cause.UNKNOWN)
    # Counters of leading letters; duplicates are counted apart and never acted on by themselves.
    count = models.BigIntegerField(default=0)
    open_count = models.BigIntegerField(default=0)
    replaying_count = models.BigIntegerField(default=0)
    quarantined_count = models.BigIntegerField(default=0)
    duplicate_count = models.BigIntegerField(default=0)
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    note = models.TextField(blank=True, default="")

    class Meta:
        indexes: ClassVar = [models.Index(fields=["-last_seen", "-id"], name="dlq_group_newest")]

    def __str__(self) -> str:
        return self.title


class Letter(models.Model):
    """One dead letter: the exact bytes of a record that a consumer gave up on, and why.

    `key`, `value` and `headers` are what a replay sends; every text column is for eyes and search only.
    A letter with `duplicate_of` repeats a failure already stored: it shares its leader's state, its own is not read.
    """

    cluster = models.TextField()
    topic = models.TextField()
    topic_id = models.TextField()
    partition = models.IntegerField()
    offset = models.BigIntegerField()
    timestamp_ms = models.BigIntegerField(null=True)
    key = models.BinaryField(null=True)
    value = models.BinaryField(null=True)
    headers = models.BinaryField()  # kernel.wire.pack_headers
    headers_unreadable = models.BooleanField(default=False)
    parse_error = models.TextField(blank=True, default="")
    left_out = models.TextField(blank=True, default="")  # what of the record is only at its origin; "" = nothing

    dialect = models.TextField(blank=True, default="")
    origin_topic = models.TextField(blank=True, default="")
    origin_partition = models.IntegerField(null=True)
    origin_offset = models.BigIntegerField(null=True)
    origin_timestamp_ms = models.BigIntegerField(null=True)
    consumer_group = models.TextField(blank=True, default="")
    attempt = models.IntegerField(null=True)
    error_type = models.TextField(blank=True, default="")
    error_message = models.TextField(blank=True, default="")
    error_stack = models.TextField(blank=True, default="")
    cause = models.TextField(choices=Cause, default=Cause.UNKNOWN)
    first_failed_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    trace_id = models.TextField(blank=True, default="")
    message_id = models.TextField(blank=True, default="")  # stays the same through retries and replays
    replay = models.TextField(blank=True, default="")  # "run/item" of the replay that sent what failed
    key_text = models.TextField(blank=True, default="")
    value_size = models.IntegerField(default=0)  # bytes

    stored_at = models.DateTimeField()
    state = models.TextField(choices=State, default=State.OPEN)
    closed_at = models.DateTimeField(null=True)  # when it became resolved or discarded; retention counts from here
    replay_count = models.IntegerField(default=0)
    # Checked by the writer, which holds the group's lock, not by the database: that would halve the speed of storing.
    group = models.ForeignKey(
        LetterGroup, on_delete=models.PROTECT, related_name="letters", db_index=False, db_constraint=False
    )
    duplicate_of = models.ForeignKey(
        "self", null=True, on_delete=models.CASCADE, related_name="duplicates", db_index=False, db_constraint=False
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "topic_id", "partition", "offset"], name="dlq_letter_once"),
        ]
        # Every index is paid for by each stored letter; those with a condition cost nothing until it holds.
        indexes: ClassVar = [
            models.Index(fields=["group", "id"], name="dlq_letter_group"),
            models.Index(fields=["origin_topic", "origin_partition", "origin_offset"], name="dlq_letter_origin"),
            models.Index(
                fields=["key_text"],
                name="dlq_letter_key",
                opclasses=["text_pattern_ops"],
                condition=~Q(key_text=""),
            ),
            models.Index(fields=["message_id"], name="dlq_letter_message"),
            models.Index(fields=["replay"], name="dlq_letter_replay", condition=~Q(replay="")),
            models.Index(fields=["duplicate_of"], name="dlq_letter_duplicate", condition=Q(duplicate_of__isnull=False)),
            models.Index(
                fields=["state", "id"],
                name="dlq_letter_busy",
                condition=Q(state__in=["replaying", "quarantined"]),
            ),
            models.Index(fields=["closed_at"], name="dlq_letter_closed", condition=Q(closed_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class GroupMinute(models.Model):
    """Letters of one group in one minute, for its sparkline."""

    pk = models.CompositePrimaryKey("group_id", "minute")
    group = models.ForeignKey(LetterGroup, on_delete=models.CASCADE, related_name="minutes", db_index=False)
    minute = models.DateTimeField()
    count = models.IntegerField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["minute"], name="dlq_minute_age")]

    def __str__(self) -> str:
        return f"{self.group_id} {self.minute:%H:%M} {self.count}"
