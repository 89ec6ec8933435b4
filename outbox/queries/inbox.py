"""What a consumer has done with messages: the proof that a replay needs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from outbox import models
from outbox.domain import message

State = Literal["done", "retrying", "gave_up"]

IDS_PER_STATEMENT_MAX = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """``done``: handled, once and for all. ``retrying``: waits in a retry topic. ``gave_up``: a dead letter was
    written. ``attempt`` is the delivery this came of, ``at`` when (the database's clock)."""

    state: State
    attempt: int
    at: datetime


def inbox_states(consumer: str, message_ids: Collection[str]) -> dict[str, InboxRow]:
    """Return what ``consumer`` (a group's name) did with these messages; those it never finished are left out."""
    by_digest = {message.digest(consumer, message_id): message_id for message_id in message_ids}
    digests = list(by_digest)
    found: dict[str, InboxRow] = {}
    for start in range(0, len(digests), IDS_PER_STATEMENT_MAX):
        page = digests[start : start + IDS_PER_STATEMENT_MAX]
        for row in models.Inbox.objects.filter(digest__in=page):
            state = cast(State, row.state)  # the table's check allows no other
            found[by_digest[bytes(row.digest)]] = InboxRow(state=state, attempt=row.attempt, at=row.at)
    return found


def oldest_done_at() -> datetime | None:
    """Return the age of the window: no message done before this can be recognised any more."""
    return models.Inbox.objects.filter(state="done").order_by("at").values_list("at", flat=True).first()
