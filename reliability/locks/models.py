"""The table of leases."""

from __future__ import annotations

from django.db import models


class LeaseRow(models.Model):
    """Who may do something alone, and until when by the database's clock. The row outlives the lease, for its fence."""

    name = models.CharField(max_length=200, primary_key=True)
    owner = models.CharField(max_length=200)
    fence = models.BigIntegerField()
    until = models.DateTimeField()

    class Meta:
        db_table = "reliability_locks_lease"

    def __str__(self) -> str:
        return f"{self.name} #{self.fence} of {self.owner}"
