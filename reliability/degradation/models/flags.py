"""Flags, and what is said of their levels: by people, by policies, by schedules."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from reliability.degradation.domain.precedence import Source

SOURCES = [(source.value, source.value) for source in Source]
SAID = [Source.OPERATOR.value, Source.DRILL.value, Source.POLICY.value]


class Flag(models.Model):
    """A flag as code declared it last, and the level that was in force when something changed last."""

    name = models.TextField(primary_key=True)
    title = models.TextField()
    levels = models.JSONField(help_text="pairs of name and what users lose, from level 0 on")
    default = models.SmallIntegerField(default=0)
    version = models.IntegerField(default=1, help_text="grows with each word of a person")
    level = models.SmallIntegerField(default=0, help_text="in force since changed_at")
    source = models.CharField(max_length=16, choices=SOURCES, default=Source.DEFAULT.value)
    changed_at = models.DateTimeField(help_text="when level or source became another one")
    changes_at = models.DateTimeField(null=True, help_text="when time alone may change it")
    first_seen_at = models.DateTimeField()

    class Meta:
        db_table = "reliability_degradation_flag"
        indexes: ClassVar = [models.Index(fields=["changes_at"], name="degradation_flag_changes_at")]

    def __str__(self) -> str:
        return f"{self.name}: {self.level}"


class Word(models.Model):
    """What somebody or something says of a flag's level now; a row that is over is deleted, its history stays."""

    flag = models.ForeignKey(Flag, on_delete=models.CASCADE, related_name="words")
    source = models.CharField(max_length=16, choices=SOURCES)
    owner = models.TextField(default="", help_text="the policy's name; empty for people and drills")
    level = models.SmallIntegerField()
    actor = models.TextField()
    reason = models.TextField()
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        db_table = "reliability_degradation_word"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["flag", "source", "owner"], name="degradation_word_one"),
            models.CheckConstraint(condition=models.Q(source__in=SAID), name="degradation_word_source"),
            models.CheckConstraint(
                condition=models.Q(until__isnull=False) | models.Q(source=Source.POLICY.value),
                name="degradation_word_expires",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.owner}: {self.level}"


class Window(models.Model):
    """A time at which a flag has another level."""

    flag = models.ForeignKey(Flag, on_delete=models.CASCADE, related_name="windows")
    name = models.TextField()
    level = models.SmallIntegerField()
    body = models.JSONField(help_text="see domain/schedule.py")
    actor = models.TextField()
    reason = models.TextField()
    saved_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "reliability_degradation_window"
        constraints: ClassVar = [models.UniqueConstraint(fields=["flag", "name"], name="degradation_window_name")]

    def __str__(self) -> str:
        return self.name


class Policy(models.Model):
    """A policy as an admin saved it, and how it stands."""

    name = models.TextField(primary_key=True)
    flag = models.ForeignKey(Flag, on_delete=models.CASCADE, related_name="policies")
    body = models.JSONField(help_text="see domain/packing.py")
    is_on = models.BooleanField(default=True)
    version = models.IntegerField(default=1, help_text="grows with each saving, switching and release")
    actor = models.TextField()
    reason = models.TextField()
    saved_at = models.DateTimeField()
    state = models.JSONField(default=dict, help_text="see domain/packing.py")
    steps = models.BigIntegerField(default=0, help_text="grows with each look, so that of two the second finds out")
    looked_at = models.DateTimeField(null=True)
    waits = models.TextField(default="", help_text="why nothing happens although something might")
    unknown = models.JSONField(default=list, help_text="signals of which nothing is known")
    held_since = models.DateTimeField(null=True)
    held_why = models.TextField(default="")

    class Meta:
        db_table = "reliability_degradation_policy"

    def __str__(self) -> str:
        return self.name


class Revision(models.Model):
    """Grows with each change that processes have to hear of. One row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    number = models.BigIntegerField(default=0)
    at = models.DateTimeField(null=True)

    class Meta:
        db_table = "reliability_degradation_revision"

    def __str__(self) -> str:
        return str(self.number)
