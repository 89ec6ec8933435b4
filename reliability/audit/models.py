"""The audit: one row per operator act. PostgreSQL itself refuses to change or remove one (see the first migration)."""

from __future__ import annotations

import json
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from reliability.access.domain import actors
from reliability.audit.domain import chain

DONE, REFUSED, FAILED = "done", "refused", "failed"
OUTCOMES = (DONE, REFUSED, FAILED)


class Entry(models.Model):
    """Who did what to what, when, why, and whether it happened. ``seq`` has no gaps: the chain's lock gives it."""

    seq = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=16)
    actor_name = models.CharField(max_length=300)
    actor_account = models.CharField(max_length=200)
    act = models.CharField(max_length=60)
    target = models.CharField(max_length=300)
    topics = ArrayField(models.CharField(max_length=249))
    reason = models.TextField()
    outcome = models.CharField(max_length=8, choices=[(outcome, outcome) for outcome in OUTCOMES])
    # Text, not jsonb, which would spell numbers and order keys its own way: the hash covers these very characters.
    facts_json = models.TextField()
    trace_id = models.CharField(max_length=32)
    request_id = models.CharField(max_length=128)
    prev_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32, unique=True)

    class Meta:
        ordering: ClassVar = ["-seq"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(outcome__in=OUTCOMES), name="audit_entry_outcome")
        ]
        indexes: ClassVar = [
            models.Index(fields=["act", "-seq"], name="audit_entry_act"),
            models.Index(fields=["target", "-seq"], name="audit_entry_target"),
            models.Index(fields=["actor_name", "-seq"], name="audit_entry_actor"),
            models.Index(fields=["at"], name="audit_entry_at"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.act} {self.outcome}"

    @property
    def facts(self) -> dict[str, object]:
        """What the act said about itself."""
        facts: dict[str, object] = json.loads(self.facts_json)
        return facts

    @property
    def told(self) -> actors.Told:
        """Who did it and by which way."""
        return actors.told(kind=self.actor_kind, name=self.actor_name, account=self.actor_account)

    def link(self) -> chain.Link:
        """The entry as the chain sees it: every column but the two hashes is covered."""
        fields: dict[str, object] = {
            "seq": self.seq,
            "at": chain.instant(self.at),
            "actor_kind": self.actor_kind,
            "actor_name": self.actor_name,
            "actor_account": self.actor_account,
            "act": self.act,
            "target": self.target,
            "topics": list(self.topics),
            "reason": self.reason,
            "outcome": self.outcome,
            "facts_json": self.facts_json,
            "trace_id": self.trace_id,
            "request_id": self.request_id,
        }
        return chain.Link(seq=self.seq, fields=fields, prev_hash=bytes(self.prev_hash), hash=bytes(self.hash))
