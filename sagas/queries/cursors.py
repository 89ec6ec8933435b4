"""Cursors of lists as text and back."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from uuid import UUID

from reliability.kernel.errors import Refused
from sagas.domain.projection import OVER
from sagas.queries.lists import Cursor

CHARACTERS_MAX = 200


class BadCursor(Refused):
    """The cursor is none of this list: leave it out to begin at the first page."""

    code = "bad-cursor"
    status = 422


def text(cursor: Cursor | None) -> str | None:
    """Return a cursor as text; None stays None."""
    if cursor is None:
        return None
    return urlsafe_b64encode(f"{cursor.rank} {cursor.changed_at.isoformat()} {cursor.id}".encode()).decode()


def cursor(told: str) -> Cursor | None:
    """Return the cursor in a text, None for an empty one; raises ``BadCursor``."""
    if not told:
        return None
    try:
        rank, changed_at, saga_id = urlsafe_b64decode(told.encode()).decode().split(" ")
        at = datetime.fromisoformat(changed_at)
        if at.tzinfo is None or not rank.isascii():
            raise BadCursor
        found = Cursor(rank=int(rank), changed_at=at.astimezone(UTC), id=UUID(saga_id))
    except (ValueError, OverflowError) as error:
        raise BadCursor from error
    if not 0 <= found.rank <= OVER:
        raise BadCursor
    return found
