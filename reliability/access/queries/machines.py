"""Who stands behind a machine's token, and which families live."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from reliability.access.domain import machine_tokens
from reliability.access.domain.actors import Actor
from reliability.access.domain.machine_tokens import Access, NotOurs, SigningKey
from reliability.access.domain.roles import Role
from reliability.access.domain.tokens import PREFIX
from reliability.access.models import ApiToken, RefreshToken, TokenFamily
from reliability.access.queries import actor_of_token

LISTED_MAX = 200
TOLD_FOR = timedelta(hours=24)
"""So long a family that ended by reuse is something for a person."""


def keys() -> list[SigningKey]:
    """Those that count: of the console's secret, and of those before it."""
    return [SigningKey.of(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def looks_like_one(text: str) -> bool:
    """Whether it may be an access token: three parts, and no API token."""
    return text.count(".") == 2 and not text.startswith(PREFIX)


def actor_of_access(text: str, *, now: datetime) -> Actor | None:
    """Who acts with an access token, with the rights of this moment, within what the token says; None for nobody.

    The family, its API token and the account are read at each request, so that what is revoked ends at once.
    """
    try:
        said = machine_tokens.read(text, keys=keys(), now=now)
    except NotOurs:
        return None
    family = TokenFamily.objects.select_related("token__account__user").filter(pk=said.family).first()
    if family is None or not lives(family, now=now) or family.token.account.user.get_username() != said.account:
        return None
    return _within(actor_of_token(family.token), said)


def _within(actor: Actor, said: Access) -> Actor:
    """An API token that was made wider since then, or an account that rose, widens nothing that was signed before."""
    role = Role.lesser(actor.role, said.role) if actor.role is not None else None
    scopes = actor.scopes if said.topic_scopes is None else actor.scopes.narrowed(said.topic_scopes)
    acts = actor.acts if said.acts is None else said.acts if actor.acts is None else actor.acts & said.acts
    return replace(actor, role=role, scopes=scopes, acts=acts)


def lives(family: TokenFamily, *, now: datetime) -> bool:
    """Whether its tokens may count: neither it, nor its API token, nor the account has ended."""
    token = family.token
    ended = family.revoked_at is not None or token.revoked_at is not None
    return not ended and family.ends_at > now and token.expires_at > now and token.account.user.is_active


def living(*, token: ApiToken, now: datetime) -> QuerySet[TokenFamily]:
    """The families of an API token that may go on: those that can still be refreshed."""
    unused = RefreshToken.objects.filter(family=OuterRef("pk"), used_at=None, ends_at__gt=now)
    return TokenFamily.objects.filter(Exists(unused), token=token, revoked_at=None, ends_at__gt=now)


def bounds(family: TokenFamily, *, ends_at: datetime) -> Access:
    """What a new access token of a family says: the rights of this moment."""
    actor = actor_of_token(family.token)
    scopes = family.token.topic_scopes
    return Access(
        account=actor.account,
        family=family.pk,
        role=actor.role or Role.VIEWER,
        topic_scopes=None if scopes is None else tuple(scopes),
        acts=actor.acts,
        expires_at=ends_at,
    )


def listed(*, account: str, now: datetime) -> list[TokenFamily]:
    """The families that live, of one account or ("") of all, the youngest first."""
    rows = TokenFamily.objects.filter(revoked_at=None, ends_at__gt=now, token__revoked_at=None)
    if account:
        rows = rows.filter(token__account__user__username=account)
    return list(rows.select_related("token__account__user").order_by("-began_at")[:LISTED_MAX])


def lately_reused(*, now: datetime) -> list[TokenFamily]:
    """Families that ended lately because somebody showed a refresh token again, the newest first."""
    rows = TokenFamily.objects.filter(why="reused", revoked_at__gt=now - TOLD_FOR)
    return list(rows.select_related("token__account__user").order_by("-revoked_at")[:20])
