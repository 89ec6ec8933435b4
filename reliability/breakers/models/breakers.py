"""A breaker's rules and overrides, of which this is the truth, and its history."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from reliability.breakers.domain.machine import Override, State

STATES = [(state.value, state.value) for state in State]
OVERRIDES = [(override.value, override.value) for override in Override]


class Breaker(models.Model):
    """One breaker that some process has named, as it was when it moved last."""

    name = models.TextField(primary_key=True)
    kept = models.TextField(default="", help_text="as the fleet keeps it; with it a store that lost it is told again")
    gen = models.BigIntegerField(default=1)
    state = models.CharField(max_length=12, choices=STATES, default=State.CLOSED.value)
    moved_at = models.DateTimeField(null=True, help_text="when its state or override changed last")
    first_seen_at = models.DateTimeField()
    declared = models.JSONField(default=dict, help_text="the rules in the code")
    # What a person has said; the fleet is told of it, and told again when it has forgotten.
    rules = models.JSONField(default=dict, help_text="rules that a person has changed, over those in the code")
    rules_version = models.IntegerField(default=0)
    override = models.CharField(max_length=16, choices=OVERRIDES, default="", blank=True)
    override_until = models.DateTimeField(null=True)
    override_by = models.TextField(default="")
    override_reason = models.TextField(default="")
    override_number = models.BigIntegerField(default=0, help_text="grows with each word of a person")

    class Meta:
        db_table = "reliability_breakers_breaker"

    def __str__(self) -> str:
        return self.name


class Transition(models.Model):
    """One new generation of a breaker; never changed."""

    breaker = models.TextField()
    gen = models.BigIntegerField()
    at = models.DateTimeField()
    before = models.CharField(max_length=12, choices=STATES)
    after = models.CharField(max_length=12, choices=STATES)
    override = models.CharField(max_length=16, choices=OVERRIDES, default="", blank=True)
    reason = models.TextField(default="")
    open_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "reliability_breakers_transition"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["breaker", "gen", "at"], name="breakers_transition_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["-at", "-id"], name="breakers_transition_at"),
            models.Index(fields=["breaker", "-at"], name="breakers_transition_of"),
        ]

    def __str__(self) -> str:
        return f"{self.breaker} {self.gen}: {self.before} to {self.after}"


class Traffic(models.Model):
    """What ten seconds of one breaker came to, over the whole fleet."""

    pk = models.CompositePrimaryKey("breaker", "at")
    breaker = models.TextField()
    at = models.DateTimeField(help_text="the beginning of the ten seconds")
    calls = models.IntegerField()
    failed = models.IntegerField()
    slow = models.IntegerField()
    rejected = models.IntegerField()
    took = models.JSONField(default=dict, help_text="calls by step of latency (domain/latency.py)")

    class Meta:
        db_table = "reliability_breakers_traffic"
        indexes: ClassVar = [models.Index(fields=["at"], name="breakers_traffic_at")]

    def __str__(self) -> str:
        return f"{self.breaker} {self.at:%H:%M:%S}: {self.calls} calls"


class Progress(models.Model):
    """How far the log of the fleet's store is written down. One row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    entry = models.TextField(default="0-0", help_text="the last entry that was written down")

    class Meta:
        db_table = "reliability_breakers_progress"

    def __str__(self) -> str:
        return self.entry
