"""``/auth``: an API token for short-lived access tokens (JWT), and refresh tokens that each count once."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status
from ninja.security import HttpBearer

from reliability import access
from reliability.access import queries as access_queries
from reliability.access.domain.machine_tokens import REFRESH_PREFIX
from reliability.access.models import ApiToken, TokenFamily
from reliability.access.queries import machines
from reliability.console.operations import machines as operations
from reliability.kernel import clock
from reliability.kernel.errors import Refused

router = Router(tags=["auth"])


class NoSuchFamily(Refused):
    """There is no such family of tokens."""

    code = "no-such-family"
    status = 404


class Pair(Schema):
    """Both tokens, shown this once. ``expires_in``: seconds that the access token counts."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    refresh_token: str
    refresh_expires_at: datetime
    family: int
    family_expires_at: datetime

    @staticmethod
    def of(issued: operations.Issued, *, now: datetime) -> Pair:
        """The same, for JSON."""
        return Pair(
            access_token=issued.access,
            token_type="Bearer",  # noqa: S106 - the word of RFC 6750
            expires_in=int((issued.access_ends_at - now).total_seconds()),
            refresh_token=issued.refresh,
            refresh_expires_at=issued.refresh_ends_at,
            family=issued.family.pk,
            family_expires_at=issued.family.ends_at,
        )


class ShownFamily(Schema):
    """A machine at work."""

    id: int
    account: str
    token: str
    began_at: datetime
    refreshed_at: datetime
    ends_at: datetime


class Families(Schema):
    """Those that live, the youngest first."""

    items: list[ShownFamily]


class Ended(Schema):
    """``ended``: false when it was ended before."""

    ended: bool


class _ApiToken(HttpBearer):
    """``Authorization: Bearer mst_...``: the API token itself, nothing made from it."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        """Return the stored token; None (401) for any other."""
        stored = access_queries.valid_token(token, now=clock.SYSTEM.now())
        if stored is not None:
            access_queries.remember(request, access_queries.actor_of_token(stored))
        return stored


class _Refresh(HttpBearer):
    """``Authorization: Bearer msr_...``: in a header, so that no log of bodies has it."""

    def authenticate(self, request: HttpRequest, token: str) -> str | None:
        """Return what may be a refresh token; what it is worth, its operation finds out."""
        return token if token.startswith(REFRESH_PREFIX) else None


@router.post(
    "/grants", response={201: Pair}, auth=_ApiToken(), operation_id="begin_grant", summary="Begin with an API token"
)
def begin_grant(request: HttpRequest, response: HttpResponse) -> Status[Pair]:
    """Exchange the API token of the header for an access token of ten minutes and a refresh token of a day."""
    response.headers["Cache-Control"] = "no-store"
    now = clock.SYSTEM.now()
    token: ApiToken = request.auth  # type: ignore[attr-defined]  # what authenticate returned
    return Status(201, Pair.of(operations.begin(actor=access.actor_of(request), token=token, now=now), now=now))


@router.post(
    "/refresh", response=Pair, auth=_Refresh(), operation_id="refresh_grant", summary="Go on with a refresh token"
)
def refresh_grant(request: HttpRequest, response: HttpResponse) -> Pair:
    """Exchange the refresh token of the header for the next pair. It counts once: shown again, its family ends."""
    response.headers["Cache-Control"] = "no-store"
    now = clock.SYSTEM.now()
    return Pair.of(operations.refresh(secret=request.auth, now=now), now=now)  # type: ignore[attr-defined]  # the same


@router.get("/grants", response=Families, operation_id="list_grants", summary="Machines at work")
def list_grants(request: HttpRequest) -> Families:
    """Families of one's own account; of all, for who may manage tokens."""
    actor = access.actor_of(request)
    access.admit(actor, "tokens.grant")
    account = "" if access.may(actor, "tokens.manage") else actor.account
    return Families(items=[_shown(each) for each in machines.listed(account=account, now=clock.SYSTEM.now())])


@router.delete("/grants/{int:family_id}", response=Ended, operation_id="end_grant", summary="End a family of tokens")
def end_grant(request: HttpRequest, family_id: int) -> Ended:
    """End one's own, or as an admin anybody's. Its access tokens count no more from this moment on."""
    actor = access.actor_of(request)
    access.admit(actor, "tokens.grant")
    found = TokenFamily.objects.select_related("token__account__user").filter(pk=family_id).first()
    seen = found is not None and (
        access.may(actor, "tokens.manage") or found.token.account.user.get_username() == actor.account
    )
    if found is None or not seen:
        raise NoSuchFamily
    return Ended(ended=operations.end(actor=actor, family=found, now=clock.SYSTEM.now()))


def _shown(family: TokenFamily) -> ShownFamily:
    token = family.token
    return ShownFamily(
        id=family.pk,
        account=token.account.user.get_username(),
        token=token.name,
        began_at=family.began_at,
        refreshed_at=family.refreshed_at,
        ends_at=family.ends_at,
    )
