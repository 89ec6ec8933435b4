"""``GET /activity``: the audit over the API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema
from pydantic import AfterValidator, AwareDatetime

from reliability import access
from reliability.audit import queries
from reliability.audit.models import Entry

router = Router(tags=["activity"])

# No NUL, which PostgreSQL's text has no room for.
Text = Annotated[str, Field(max_length=300, pattern=r"^[^\x00]*$")]


def _in_utc(at: datetime) -> datetime:
    """The instant in UTC; an offset may lead out of the years there are."""
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("This instant lies outside the years 1 to 9999 in UTC.") from None


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class ActivityQuery(Schema):
    """What to list; ``act`` and ``target`` may end in ``*``."""

    actor: Text = ""
    act: Text = ""
    target: Text = ""
    outcome: Literal["", "done", "refused", "failed"] = ""
    since: Instant | None = None
    until: Instant | None = None
    cursor: int | None = Field(None, ge=1, le=2**63 - 1)
    limit: int = Field(queries.PAGE, ge=1, le=queries.LARGEST_PAGE)


class ActivityEntry(Schema):
    """One entry of the audit."""

    seq: int
    at: datetime
    actor_kind: str
    actor: str
    account: str
    act: str
    target: str
    topics: list[str]
    reason: str
    outcome: str
    facts: dict[str, object]
    trace_id: str
    request_id: str
    hash: str


class Activity(Schema):
    """A page of entries from the newest down; ``next`` is the following page's ``cursor``."""

    items: list[ActivityEntry]
    next: int | None


@router.get("/activity", response=Activity, operation_id="list_activity", summary="Who did what, when and why")
def list_activity(request: HttpRequest, asked: Query[ActivityQuery]) -> Activity:
    """List the audit. Entries that touch a topic outside your scopes are left out."""
    actor = access.actor_of(request)
    access.admit(actor, "activity.view")
    wanted = queries.EntryFilter(
        actor=asked.actor,
        act=asked.act,
        target=asked.target,
        outcome=asked.outcome,
        since=asked.since,
        until=asked.until,
    )
    page = queries.entries(actor=actor, wanted=wanted, before=asked.cursor, limit=asked.limit)
    return Activity(items=[_shown(entry) for entry in page.entries], next=page.next_before)


def _shown(entry: Entry) -> ActivityEntry:
    return ActivityEntry(
        seq=entry.seq,
        at=entry.at,
        actor_kind=entry.actor_kind,
        actor=entry.actor_name,
        account=entry.actor_account,
        act=entry.act,
        target=entry.target,
        topics=entry.topics,
        reason=entry.reason,
        outcome=entry.outcome,
        facts=entry.facts,
        trace_id=entry.trace_id,
        request_id=entry.request_id,
        hash=bytes(entry.hash).hex(),
    )
