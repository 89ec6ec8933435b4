"""``/letters``: dead letters with their exact bytes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Path, Query, Router, Schema

from dlq.api.bodies import Bytes, HeaderShown, body, header
from dlq.api.words import Id, Text
from dlq.domain import masking, payload, search
from dlq.domain.item import ItemState
from dlq.models import Letter
from dlq.models.letters import State
from dlq.queries import history
from dlq.queries import letters as queries
from reliability import access
from reliability.kernel import wire

router = Router(tags=["letters"])


SEARCH = (
    "The search grammar of the pages. A word without a field is looked for as a part of error, key and body: `ord-1`"
    " also finds ord-17; `key:ord-1` is that key alone, `key:ord-1*` whatever begins so. Without the right"
    " `letters.reveal` bodies are not searched for words, header and json take whole values, and what is masked is"
    " refused."
)


class LettersQuery(Schema):
    """Which letters to list."""

    q: Annotated[Text, Field(description=SEARCH, examples=["topic:orders age<1h"])] = ""
    group: Annotated[Id | None, Field(description="A failure group's id.")] = None
    state: State | None = None
    cursor: Id | None = None
    limit: Annotated[int, Field(ge=1, le=queries.PAGE_MAX)] = queries.PAGE


class Origin(Schema):
    """Where the record first was; what its headers do not say is empty or null."""

    topic: str
    partition: int | None
    offset: int | None
    timestamp_ms: int | None


class LetterListed(Schema):
    """A letter in a list: all but its bytes. ``message_id`` stays the same through retries and replays.

    Without the right `letters.reveal` secrets in ``error_message`` and ``key`` are dots.
    """

    id: int
    state: State
    group: int
    title: str
    topic: str
    partition: int
    offset: int
    timestamp_ms: int | None
    origin: Origin
    consumer_group: str
    dialect: str
    attempt: int | None
    error_type: str
    error_message: str
    cause: str
    failed_at: datetime | None
    stored_at: datetime
    closed_at: datetime | None
    trace_id: str
    message_id: str
    key: str = Field(description="The key for eyes; the exact bytes are in the letter itself.")
    size: int = Field(description="Bytes of the value.")
    replay_count: int
    replay: str = Field(description="`run/item` of the replay that sent what failed, empty if it was none.")
    headers_unreadable: bool
    parse_error: str
    duplicate_of: int | None


class Letters(Schema):
    """A page of letters, newest first; ``next`` is the following page's ``cursor``. ``count`` is null when unknown."""

    items: list[LetterListed]
    next: int | None
    count: int | None
    count_is_capped: bool


class Attempt(Schema):
    """One replay of this failure, by this letter or by one it came from or became."""

    replay: int
    item: int
    letter: int
    state: ItemState
    at: datetime
    proof: str
    error: str
    new_letter: int | None


class LetterShown(LetterListed):
    """A letter with everything that is known of it; without the right `letters.reveal` its secrets are masked."""

    key_bytes: Bytes
    value_bytes: Bytes
    headers: list[HeaderShown]
    error_stack: str
    first_failed_at: datetime | None
    cluster: str
    topic_id: str
    duplicates: list[int]
    history: list[Attempt]


@router.get("/letters", response=Letters, operation_id="list_letters", summary="Dead letters, newest first")
def list_letters(request: HttpRequest, asked: Query[LettersQuery]) -> Letters:
    """List letters of topics that you may see; of several that tell of one failure only the leading one."""
    text_of = f"{asked.q} state:{asked.state.value}" if asked.state else asked.q
    actor = _reader(request)
    page = queries.page(
        actor=actor,
        search=search.parse(text_of),
        group_id=asked.group,
        before=asked.cursor,
        limit=asked.limit,
    )
    return paged(page, actor=actor)


@router.get("/letters/{letter_id}", response=LetterShown, operation_id="get_letter", summary="One dead letter")
def get_letter(request: HttpRequest, letter_id: Path[Id]) -> LetterShown:
    """Read one letter: bytes, headers, error, stack, origin and the attempts made with it."""
    actor = _reader(request)
    return shown(queries.one(actor=actor, letter_id=letter_id), actor=actor)


def _reader(request: HttpRequest) -> access.Actor:
    actor = access.actor_of(request)
    access.admit(actor, "letters.view")
    return actor


def _attempt(attempt: history.Attempt, *, mask: bool) -> Attempt:
    return Attempt(
        replay=attempt.replay_id,
        item=attempt.item.pk,
        letter=attempt.of_letter,
        state=ItemState(attempt.item.state),
        at=attempt.at,
        proof=attempt.item.proof,
        error=masking.masked_text(attempt.item.error) if mask else attempt.item.error,
        new_letter=attempt.new_letter,
    )


def paged(page: queries.Page, *, actor: access.Actor) -> Letters:
    """Return a page of letters as the API shows it to the actor."""
    return Letters(
        items=[listed(letter, actor=actor) for letter in page.rows],
        next=page.older,
        count=page.count.number,
        count_is_capped=page.count.is_capped,
    )


def listed(letter: Letter, *, actor: access.Actor) -> LetterListed:
    """Return a letter as the API lists it to the actor."""
    return LetterListed(**_fields(letter, mask=not queries.reveals(actor, letter.origin_topic)))


def shown(letter: Letter, *, actor: access.Actor) -> LetterShown:
    """Return a letter as the API shows it to the actor, with its bytes."""
    mask = not queries.reveals(actor, letter.origin_topic)
    headers = () if letter.headers_unreadable else wire.unpack_headers(letter.headers)
    return LetterShown(
        **_fields(letter, mask=mask),
        key_bytes=body(letter.key, mask=mask),
        value_bytes=body(letter.value, mask=mask),
        headers=[header(name, value, mask=mask) for name, value in headers],
        error_stack=masking.masked_text(letter.error_stack) if mask else letter.error_stack,
        first_failed_at=letter.first_failed_at,
        cluster=letter.cluster,
        topic_id=letter.topic_id,
        duplicates=[each.pk for each in queries.duplicates_of(letter)],
        history=[_attempt(each, mask=mask) for each in history.of_letter(letter.pk, actor=actor)],
    )


def _fields(letter: Letter, *, mask: bool) -> dict[str, Any]:
    same = (
        *("topic", "partition", "offset", "timestamp_ms", "consumer_group", "dialect", "attempt", "error_type"),
        *("cause", "failed_at", "stored_at", "closed_at", "trace_id", "message_id", "replay_count"),
        *("replay", "headers_unreadable", "parse_error"),
    )
    return {
        **{name: getattr(letter, name) for name in same},
        "id": letter.pk,
        "state": State(letter.state),
        "group": letter.group_id,
        "title": letter.group.title,
        "error_message": masking.masked_text(letter.error_message) if mask else letter.error_message,
        "key": payload.masked(letter.key_text) if mask else letter.key_text,
        "size": letter.value_size,
        "duplicate_of": letter.duplicate_of_id,
        "origin": Origin(
            topic=letter.origin_topic,
            partition=letter.origin_partition,
            offset=letter.origin_offset,
            timestamp_ms=letter.origin_timestamp_ms,
        ),
    }
