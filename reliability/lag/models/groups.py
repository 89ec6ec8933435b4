"""What the last poll told: one row for a cluster, for a group with all its partitions, for a topic."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from reliability.lag.domain.values import Word

WORDS = [(word.value, word.value) for word in Word]


class Cluster(models.Model):
    """A cluster of KAFKA_CLUSTERS, and how its polling goes."""

    name = models.CharField(max_length=200, primary_key=True)
    polled_at = models.DateTimeField(null=True, help_text="when a poll last ended well")
    took_s = models.FloatField(null=True)
    groups = models.IntegerField(default=0)
    partitions = models.IntegerField(default=0)
    error = models.TextField(default="", help_text="why the last poll told nothing; empty when it went well")
    error_since = models.DateTimeField(null=True)
    facts = models.JSONField(default=dict, help_text="intervals, requests a minute per broker, what was left out")
    retired_at = models.DateTimeField(null=True, help_text="when it was found to be configured no more")

    class Meta:
        db_table = "reliability_lag_cluster"

    def __str__(self) -> str:
        return self.name


class Group(models.Model):
    """A consumer group. ``rows`` are its partitions (`polling.summary.PartitionRow`), ``per_topic`` sums of these.

    One row, because a group is polled, judged and shown as a whole: a thousand groups of fifty partitions are a
    thousand updates, not fifty thousand.
    """

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="+")
    name = models.TextField()
    state = models.CharField(max_length=40)
    protocol = models.CharField(max_length=20)
    type = models.TextField(default="")
    assignor = models.TextField(default="")
    coordinator = models.IntegerField(default=-1)

    word = models.CharField(max_length=12, choices=WORDS)
    word_since = models.DateTimeField()
    reason = models.TextField()
    severity = models.SmallIntegerField(help_text="of the word, so that the worst come first")
    lag = models.BigIntegerField(null=True)
    weight = models.BigIntegerField(default=0, help_text="the lag, 0 where it is not known: the order of a list")
    lag_s = models.FloatField(null=True)
    lag_s_at_least = models.BooleanField(default=False)
    trend = models.CharField(max_length=12, default="")
    eta_s = models.FloatField(null=True)
    loss_s = models.FloatField(null=True)
    lost = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True)
    partitions = models.IntegerField(default=0)
    untold = models.IntegerField(default=0, help_text="partitions of which something could not be told")

    topics = ArrayField(models.TextField(), default=list)
    per_topic = models.JSONField(default=dict)
    members = models.JSONField(default=list)
    rows = models.JSONField(default=list)
    facts = models.JSONField(default=dict, help_text="rates, advice, skew, what could not be told")
    window = models.BinaryField(default=b"", help_text="the samples of the verdicts, so that a new poller goes on")

    empty_since = models.DateTimeField(null=True)
    first_seen = models.DateTimeField()
    polled_at = models.DateTimeField()
    gone_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "reliability_lag_group"
        constraints: ClassVar = [models.UniqueConstraint(fields=["cluster", "name"], name="lag_group_name")]
        indexes: ClassVar = [
            models.Index(fields=["-severity", "-weight", "-id"], name="lag_group_worst"),
            GinIndex(fields=["topics"], name="lag_group_topics"),
        ]

    def __str__(self) -> str:
        return self.name


class Topic(models.Model):
    """A topic that a group reads: the track of its ends, by which offsets become times, and its retention."""

    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="+")
    name = models.TextField()
    partitions = models.IntegerField()
    retention_ms = models.BigIntegerField(null=True)
    retention_bytes = models.BigIntegerField(null=True)
    deletes = models.BooleanField(null=True, help_text="whether old records are deleted at all; NULL: not known")
    compacts = models.BooleanField(null=True)
    tracks = models.BinaryField(default=b"")
    rows = models.JSONField(default=list, help_text="partition, leader, start, end, stable end, problem")
    polled_at = models.DateTimeField()

    class Meta:
        db_table = "reliability_lag_topic"
        constraints: ClassVar = [models.UniqueConstraint(fields=["cluster", "name"], name="lag_topic_name")]

    def __str__(self) -> str:
        return self.name
