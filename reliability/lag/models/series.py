"""The history of lag: one row per group, topic and minute for a day, then one per ten minutes for two weeks.

Both tables are partitioned by time (see the migration and `operations.upkeep`), so old rows go by dropping a table.
"""

from __future__ import annotations

from django.db import models


class _Bucket(models.Model):
    """What was seen of a group on a topic in a stretch of time that begins at ``at``."""

    pk = models.CompositePrimaryKey("group_id", "topic", "at")
    group_id = models.BigIntegerField()
    topic = models.TextField()
    at = models.DateTimeField()
    lag = models.BigIntegerField(null=True, help_text="at the end of the stretch; NULL: not known")
    lag_max = models.BigIntegerField(null=True)
    lag_s_max = models.FloatField(null=True)
    consumed = models.BigIntegerField(default=0)
    produced = models.BigIntegerField(default=0)
    severity = models.SmallIntegerField(help_text="the worst verdict's")
    looks = models.IntegerField(help_text="polls in the stretch")

    class Meta:
        abstract = True


class Minute(_Bucket):
    """A minute."""

    class Meta(_Bucket.Meta):
        abstract = False
        db_table = "reliability_lag_minute"

    def __str__(self) -> str:
        return f"{self.group_id} {self.topic} {self.at:%H:%M}"


class TenMinutes(_Bucket):
    """Ten minutes."""

    class Meta(_Bucket.Meta):
        abstract = False
        db_table = "reliability_lag_ten_minutes"

    def __str__(self) -> str:
        return f"{self.group_id} {self.topic} {self.at:%d %H:%M}"
