"""Replay plans, runs and their items, and what is watched to learn an item's outcome."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from dlq.domain.item import CLAIMING, ItemState
from dlq.domain.run import RunState
from dlq.models.letters import Letter


def _choices(states: type[ItemState] | type[RunState]) -> list[tuple[str, str]]:
    return [(state.value, state.value) for state in states]


class ReplayPlan(models.Model):
    """What an operator was shown and may approve until it expires. Its letters are frozen, in the order of sending."""

    hash = models.TextField()  # domain.plan.content_hash
    scope = models.JSONField()
    target = models.JSONField()
    rate = models.FloatField()  # items per second
    failed_limit = models.FloatField(null=True)
    include = ArrayField(models.TextField(), default=list)
    letter_ids = ArrayField(models.BigIntegerField())
    total = models.IntegerField()
    counts = models.JSONField()
    warnings = models.JSONField()
    topics = ArrayField(models.TextField())  # origin topics and destinations: who may approve
    created_by = models.TextField()
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="dlq_plan_expiry")]

    def __str__(self) -> str:
        return f"plan {self.pk}: {self.total} letters"


class Replay(models.Model):
    """One approved run. Every change of it, and every feeding of its items, holds this row's lock."""

    plan = models.OneToOneField(ReplayPlan, null=True, on_delete=models.SET_NULL, related_name="replay")
    plan_hash = models.TextField()
    state = models.TextField(choices=_choices(RunState), default=RunState.RUNNING)
    reason = models.TextField()
    actor = models.TextField()
    scope = models.JSONField()
    target = models.JSONField()
    topics = ArrayField(models.TextField())
    rate = models.FloatField()  # items per second
    failed_limit = models.FloatField(null=True)
    total = models.IntegerField()
    skipped = models.IntegerField(default=0)  # letters of the plan that were no longer free when it was approved
    counts = models.JSONField(default=dict)  # items per state, "refused" and "groupless": exact, see operations.items
    stop_reason = models.TextField(blank=True, default="")
    # Every stop by itself, the oldest first: {"at": ISO 8601, "why": ...}. A resume clears stop_reason, not what was.
    stops = models.JSONField(default=list)
    stopped_at = models.DateTimeField(null=True)  # the newest of them
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    # The ramp, see domain.ramp.Pace.
    ramp_step = models.IntegerField(default=0)
    ramp_base = models.IntegerField(default=0)
    ramp_note = models.TextField(blank=True, default="")
    credit = models.FloatField(default=1.0)
    paced_at = models.DateTimeField()
    last_sent_at = models.DateTimeField(null=True)  # newest receipt
    # What was known when it was last resumed after stopping by itself, see domain.run.stop_reason.
    failures_before = models.IntegerField(default=0)
    judged_before = models.IntegerField(default=0)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["id"],
                name="dlq_replay_live",
                condition=~Q(state__in=[RunState.FINISHED.value, RunState.CANCELLED.value]),
            ),
            models.Index(fields=["finished_at"], name="dlq_replay_finished", condition=Q(finished_at__isnull=False)),
            models.Index(fields=["stopped_at"], name="dlq_replay_stopped", condition=Q(stopped_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"replay {self.pk} ({self.state})"


class ReplayItem(models.Model):
    """One letter of one run; see domain.item for its states. ``event_id`` is the outbox event that carries it."""

    replay = models.ForeignKey(Replay, on_delete=models.CASCADE, related_name="items", db_index=False)
    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="items")
    position = models.IntegerField()
    state = models.TextField(choices=_choices(ItemState), default=ItemState.PLANNED)
    event_id = models.UUIDField(unique=True)
    consumer_group = models.TextField(blank=True, default="")  # who shall process it
    message_id = models.TextField()
    attempt = models.IntegerField()
    # Where the first failure of this message lay: the order of sending, kept through all its replays.
    order_partition = models.IntegerField(null=True)
    order_offset = models.BigIntegerField(null=True)
    queued_at = models.DateTimeField(null=True)
    letters_before = models.BigIntegerField(null=True)  # the newest letter id given out before it was queued
    sent_topic = models.TextField(blank=True, default="")
    sent_partition = models.IntegerField(null=True)
    sent_offset = models.BigIntegerField(null=True)
    sent_sha256 = models.BinaryField(blank=True, default=b"")
    sent_at = models.DateTimeField(null=True)
    watched_from = models.DateTimeField(null=True)  # when its group was named, if that was after sending
    went_by_at = models.DateTimeField(null=True)
    window_from = models.DateTimeField(null=True)
    passed_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)  # when it left planned, queued, sent
    proof = models.TextField(blank=True, default="")  # why it is in its state
    refused = models.BooleanField(default=False)  # by Kafka or the outbox, for good; error says why
    error = models.TextField(blank=True, default="")
    new_letter = models.ForeignKey(
        Letter, null=True, on_delete=models.SET_NULL, related_name="came_from", db_index=False
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["replay", "position"], name="dlq_item_position"),
            models.UniqueConstraint(
                fields=["letter"],
                name="dlq_item_claim",
                condition=Q(state__in=sorted(state.value for state in CLAIMING)),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["replay", "state", "position"], name="dlq_item_progress"),
            models.Index(fields=["id"], name="dlq_item_queued", condition=Q(state=ItemState.QUEUED.value)),
            models.Index(fields=["id"], name="dlq_item_sent", condition=Q(state=ItemState.SENT.value)),
            models.Index(
                fields=["settled_at"],
                name="dlq_item_reversible",
                condition=Q(state__in=[ItemState.PASSED.value, ItemState.UNKNOWN.value]),
            ),
            models.Index(
                fields=["settled_at"],
                name="dlq_item_heirless",
                condition=Q(state=ItemState.FAILED_AGAIN.value, new_letter__isnull=True),
            ),
            models.Index(
                fields=["sent_topic", "sent_partition", "sent_offset"],
                name="dlq_item_coordinates",
                condition=Q(sent_offset__isnull=False),
            ),
            models.Index(fields=["new_letter"], name="dlq_item_successor", condition=Q(new_letter__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"item {self.replay_id}/{self.pk} ({self.state})"


class GroupWatch(models.Model):
    """How far our ingest has read the dead-letter topics of a consumer group: a round asked, and the last one reached.

    ``ends`` holds [topic, partition, end offset] of the round that is being waited for.
    """

    cluster = models.TextField()
    consumer_group = models.TextField()
    asking_at = models.DateTimeField(null=True)
    ends = models.JSONField(default=list)
    asked_at = models.DateTimeField(null=True)
    reached_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "consumer_group"], name="dlq_watch_once"),
        ]

    def __str__(self) -> str:
        return f"watch of {self.consumer_group}"


class TopicShape(models.Model):
    """How many partitions a destination had since when; a row is added when the number changes."""

    cluster = models.TextField()
    topic = models.TextField()
    partitions = models.IntegerField()
    since = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["cluster", "topic", "since"], name="dlq_shape_once"),
        ]

    def __str__(self) -> str:
        return f"{self.topic}: {self.partitions}"
