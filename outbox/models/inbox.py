"""What each consumer has done."""

from __future__ import annotations

from django.db import models


class Inbox(models.Model):
    """One message of one consumer. ``done`` for good; ``retrying`` and ``gave_up`` until a later attempt comes."""

    digest = models.BinaryField(primary_key=True, help_text="outbox.domain.message.digest")
    consumer = models.TextField()
    message_id = models.TextField(help_text="for looking: cut, and nothing invisible in it")
    state = models.TextField()
    attempt = models.IntegerField()
    at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "outbox_inbox"

    def __str__(self) -> str:
        return f"{self.consumer} {self.message_id}: {self.state}"
