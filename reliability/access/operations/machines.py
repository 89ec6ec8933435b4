"""Families of machine tokens: begun with an API token, refreshed, ended. Not audited here (see ``operations``)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from reliability.access.domain import machine_tokens, tokens
from reliability.access.domain.machine_tokens import ACCESS_LIFE, FAMILY_LIFE, REFRESH_LIFE, REFRESH_PREFIX
from reliability.access.models import Account, ApiToken, RefreshToken, TokenFamily
from reliability.access.queries import machines
from reliability.kernel.errors import Refused

MOST_FAMILIES = 50
"""Living ones of one API token: a machine has a few processes, not hundreds."""
REUSED = "reused"
ENDED = "ended"


class BadRefresh(Refused):
    """This refresh token is unknown, expired or revoked. Show the API token again: POST /api/v1/auth/grants."""

    code = "bad-refresh"
    status = 401


class ReusedRefresh(Refused):
    """This refresh token was used before, so somebody else may have it. All tokens of its family have just ended."""

    code = "reused-refresh"
    status = 401


class TooManyFamilies(Refused):
    """This API token has too many living families of machine tokens. Refresh or end those that there are."""

    code = "too-many-families"
    status = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """What a machine gets: both are shown this once."""

    family: TokenFamily
    access: str
    refresh: str
    access_ends_at: datetime
    refresh_ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reused:
    """A refresh token came a second time; its family still lives, and is to be ended."""

    family: TokenFamily


def begin(*, token: ApiToken, now: datetime) -> Issued:
    """Begin a family of a valid API token; raises ``TooManyFamilies``."""
    with transaction.atomic():
        Account.objects.select_for_update().get(pk=token.account_id)
        if machines.living(token=token, now=now).count() >= MOST_FAMILIES:
            raise TooManyFamilies
        TokenFamily.objects.filter(token=token, ends_at__lt=now).delete()
        ends_at = min(now + FAMILY_LIFE, token.expires_at)
        family = TokenFamily.objects.create(token=token, began_at=now, refreshed_at=now, ends_at=ends_at)
        return _issued(family, now=now)


def refresh(*, secret: str, now: datetime) -> Issued | Reused:
    """Give the next pair of tokens for a refresh token that was never shown before.

    Of two at once exactly one gets a pair; the other is told ``Reused``, and whoever calls ends the family (no grace:
    a machine that lost an answer shows its API token again). Raises ``BadRefresh``.
    """
    digest = tokens.digest(secret, prefix=REFRESH_PREFIX)
    with transaction.atomic():
        found = RefreshToken.objects.filter(hash=digest).first() if digest else None
        if found is None:
            raise BadRefresh
        family = (
            TokenFamily.objects.select_for_update(of=("self",))
            .select_related("token__account__user")
            .get(pk=found.family_id)
        )
        found.refresh_from_db()  # as it is now that the family is ours
        if not machines.lives(family, now=now):
            raise BadRefresh
        if found.used_at is not None:
            return Reused(family=family)
        if found.ends_at <= now:
            raise BadRefresh
        found.used_at = now
        found.save(update_fields=["used_at"])
        family.refreshed_at = now
        family.save(update_fields=["refreshed_at"])
        family.refresh_tokens.filter(ends_at__lt=now).delete()
        return _issued(family, now=now)


def end(*, family_id: int, why: str, now: datetime) -> bool:
    """End a family at once; False when it was ended before."""
    ended = TokenFamily.objects.filter(pk=family_id, revoked_at=None).update(revoked_at=now, why=why)
    return bool(ended)


def _issued(family: TokenFamily, *, now: datetime) -> Issued:
    secret = REFRESH_PREFIX + secrets.token_urlsafe(tokens.RANDOM_BYTES)
    digest = tokens.digest(secret, prefix=REFRESH_PREFIX)
    made = RefreshToken.objects.create(
        family=family, hash=digest, made_at=now, ends_at=min(now + REFRESH_LIFE, family.ends_at)
    )
    said = machines.bounds(family, ends_at=min(now + ACCESS_LIFE, family.ends_at))
    key = machine_tokens.SigningKey.of(settings.SECRET_KEY)
    access = machine_tokens.signed(said, key=key, jti=secrets.token_urlsafe(12), now=now)
    return Issued(
        family=family,
        access=access,
        refresh=secret,
        access_ends_at=said.expires_at,
        refresh_ends_at=made.ends_at,
    )
