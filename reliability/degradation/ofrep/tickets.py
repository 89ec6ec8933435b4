"""A stream's address carries a signed ticket, since browsers send no header with a stream; for a day, for one token."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.core import signing

from reliability import access
from reliability.access import queries
from reliability.access.models import ApiToken

LASTS: Final = timedelta(days=1)
_SALT: Final = "degradation.ofrep.events"


def ticket(token_id: int) -> str:
    """Return a ticket for whoever has this token."""
    return signing.dumps(token_id, salt=_SALT)


def token_id(given: str) -> int | None:
    """Return the token that a ticket is for; None for one that is too old, or none of ours."""
    try:
        found = signing.loads(given, salt=_SALT, max_age=LASTS)
    except signing.BadSignature:
        return None
    return found if isinstance(found, int) else None


def actor(found: int, *, now: datetime) -> access.Actor | None:
    """Return whoever has this token; None when it was revoked or is over. Raises ``DatabaseError``."""
    stored = ApiToken.objects.select_related("account__user").filter(pk=found, revoked_at=None).first()
    if stored is None or stored.expires_at <= now or not stored.account.user.is_active:
        return None
    return queries.actor_of_token(stored)
