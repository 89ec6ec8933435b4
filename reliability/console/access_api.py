"""``/tokens``, ``/sessions``, ``/accounts``: what opens this console. For people: no token makes or ends another."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Path, Query, Router, Schema, Status

from reliability import access
from reliability.access import api as access_api
from reliability.access import queries as access_queries
from reliability.access.models import ApiToken, BrowserSession
from reliability.access.queries import sessions as session_queries
from reliability.console.asked import Asked
from reliability.console.operations import accounts, sessions
from reliability.kernel import clock
from reliability.kernel.errors import Refused

router = Router(tags=["access"], auth=access_api.session)

MOST_TOKENS = 500
Name = Annotated[str, Field(min_length=1, max_length=150, pattern=r"^[^\x00]*$")]


class NoSuchSession(Refused):
    """There is no such session of yours; it may have ended."""

    code = "no-such-session"
    status = 404


class TokenRequest(Asked):
    """A token to be made: of one's own account with its rights, or with fewer. Admins may name another ``account``."""

    name: Annotated[str, Field(max_length=80, pattern=r"^[^\x00]*$")]
    account: Name | None = None
    role: access.Role | None = None
    topics: Annotated[list[Annotated[str, Field(max_length=249)]], Field(max_length=100)] | None = None
    acts: Annotated[list[Annotated[str, Field(max_length=80)]], Field(max_length=200)] | None = None
    days: int = Field(90, ge=1, le=3650)


class ShownToken(Schema):
    """A token as anybody may see it who may end it: never the token itself. ``topics``, ``acts``: null for no bound."""

    id: int
    account: str
    name: str
    starts: str
    role: str
    topics: list[str] | None
    acts: list[str] | None
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None

    @staticmethod
    def of(token: ApiToken) -> ShownToken:
        """The same, for JSON."""
        return ShownToken(
            id=token.pk,
            account=token.account.user.get_username(),
            name=token.name,
            starts=token.shown,
            role=token.role,
            topics=token.topic_scopes,
            acts=token.acts,
            created_at=token.created_at,
            expires_at=token.expires_at,
            last_used_at=token.last_used_at,
        )


class MadeToken(ShownToken):
    """A new token; ``token`` is shown this once."""

    token: str


class Tokens(Schema):
    """Living tokens, newest first."""

    items: list[ShownToken]


class TokensQuery(Schema):
    """``all``: those of every account, for who manages tokens."""

    all: bool = False


class ShownSession(Schema):
    """A browser that is signed in. ``ends_at``: if nobody does anything more in it."""

    id: int
    browser: str
    address: str
    began_at: datetime
    seen_at: datetime
    ends_at: datetime
    is_this: bool


class Sessions(Schema):
    """The one that asks first."""

    items: list[ShownSession]


class SessionsEnded(Schema):
    """How many there were."""

    ended: int


class ShownAccount(Schema):
    """Somebody who may come in. ``role`` empty: may do nothing yet. ``active`` False: disabled."""

    username: str
    role: str
    topics: list[str]
    active: bool
    signs_in_by: Literal["password", "provider"]
    last_login: datetime | None


class Accounts(Schema):
    """By name."""

    items: list[ShownAccount]


class ActiveRequest(Asked):
    """``active`` False: nothing of the account opens anything, and its sessions end."""

    active: bool


class ActiveSet(Schema):
    """How the account stands, and how many sessions of it ended."""

    username: str
    active: bool
    sessions_ended: int


@router.get("/tokens", response=Tokens, operation_id="list_tokens", summary="API tokens")
def list_tokens(request: HttpRequest, asked: Query[TokensQuery]) -> Tokens:
    """One's own, or all."""
    actor = access.actor_of(request)
    access.admit(actor, "tokens.manage" if asked.all else "tokens.own")
    if asked.all:
        found = access_queries.living_tokens(limit=MOST_TOKENS, now=clock.SYSTEM.now())
    else:
        found = access_queries.tokens_of(actor)
    return Tokens(items=[ShownToken.of(token) for token in found])


@router.post("/tokens", response={201: MadeToken}, operation_id="make_token", summary="Make an API token")
def make_token(request: HttpRequest, response: HttpResponse, asked: TokenRequest) -> Status[MadeToken]:
    """Make a token and show it, this once."""
    actor = access.actor_of(request)
    access.admit(actor, "tokens.own")
    issued = accounts.issue_token(
        actor=actor,
        username=asked.account or actor.account,
        name=asked.name,
        role=asked.role,
        topic_scopes=asked.topics,
        acts=asked.acts,
        life=timedelta(days=asked.days),
        now=clock.SYSTEM.now(),
    )
    response.headers["Cache-Control"] = "no-store"
    return Status(201, MadeToken(**ShownToken.of(issued.token).model_dump(), token=issued.secret))


@router.delete("/tokens/{token_id}", response=ShownToken, operation_id="revoke_token", summary="Revoke an API token")
def revoke_token(request: HttpRequest, token_id: Path[int]) -> ShownToken:
    """End one's own at once, or as an admin anybody's, with everything that was made from it."""
    actor = access.actor_of(request)
    access.admit(actor, "tokens.own")
    token = access_queries.token_for(actor, token_id) if token_id < 2**63 else None
    if token is None:
        raise access_queries.NoSuchToken("There is no such token any more, or it is not yours.")
    accounts.revoke_token(actor=actor, token=token, now=clock.SYSTEM.now())
    return ShownToken.of(token)


@router.get("/sessions", response=Sessions, operation_id="list_sessions", summary="Browsers that are signed in")
def list_sessions(request: HttpRequest) -> Sessions:
    """One's own."""
    access.admit(access.actor_of(request), "sessions.own")
    this = request.session.session_key or ""
    found = session_queries.of_user(request.user, this=this, now=clock.SYSTEM.now())  # type: ignore[arg-type]  # signed in
    return Sessions(items=[_shown(each) for each in found])


@router.delete("/sessions/{session_id}", response=SessionsEnded, operation_id="end_session", summary="End a session")
def end_session(request: HttpRequest, session_id: Path[int]) -> SessionsEnded:
    """One of one's own."""
    actor = access.actor_of(request)
    access.admit(actor, "sessions.own")
    rows = BrowserSession.objects.filter(user_id=actor.user_id or 0)
    row = rows.filter(pk=session_id).first() if session_id < 2**63 else None
    if row is None:
        raise NoSuchSession
    sessions.end(actor=actor, row=row)
    return SessionsEnded(ended=1)


@router.delete(
    "/accounts/{username}/sessions",
    response=SessionsEnded,
    operation_id="end_sessions_of_account",
    summary="End all sessions of an account",
)
def end_sessions_of_account(request: HttpRequest, username: Path[Name]) -> SessionsEnded:
    """As an admin."""
    return SessionsEnded(ended=sessions.end_all(actor=access.actor_of(request), username=username))


@router.get("/accounts", response=Accounts, operation_id="list_accounts", summary="Accounts")
def list_accounts(request: HttpRequest) -> Accounts:
    """As an admin: all of them."""
    access.admit(access.actor_of(request), "accounts.view")
    elsewhere = access_queries.who_sign_in_elsewhere()
    return Accounts(
        items=[
            ShownAccount(
                username=each.user.get_username(),
                role=each.role,
                topics=each.topic_scopes,
                active=each.user.is_active,
                signs_in_by="provider" if each.user_id in elsewhere else "password",
                last_login=each.user.last_login,
            )
            for each in access_queries.accounts()
        ]
    )


@router.put(
    "/accounts/{username}/active",
    response=ActiveSet,
    operation_id="set_account_active",
    summary="Disable an account, or enable it again",
)
def set_account_active(request: HttpRequest, username: Path[Name], asked: ActiveRequest) -> ActiveSet:
    """As an admin; nobody disables themselves, and the last admin stays."""
    ended = accounts.set_active(actor=access.actor_of(request), username=username, active=asked.active)
    return ActiveSet(username=username, active=asked.active, sessions_ended=ended)


def _shown(found: session_queries.Shown) -> ShownSession:
    row = found.row
    return ShownSession(
        id=row.pk,
        browser=row.browser,
        address=row.address,
        began_at=row.began_at,
        seen_at=row.seen_at,
        ends_at=found.ends_at,
        is_this=found.is_this,
    )
