"""Who is asking, and what they may see."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

import structlog
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.http import HttpRequest

from reliability.access.domain import tokens
from reliability.access.domain.actors import ANONYMOUS, CLI, Actor, Kind, policy_actor, system_actor
from reliability.access.domain.authorization import may
from reliability.access.domain.roles import Role
from reliability.access.domain.scopes import NOTHING, Scope, TopicFilter
from reliability.access.models import Account, ApiToken
from reliability.kernel.errors import Refused


class NoSuchAccount(Refused):
    """There is no active account of that name."""

    code = "no-such-account"
    status = 404


FACTOR_FIRST = "Your role needs a second factor: set up an authenticator app first (Settings, Sign-in and tokens)."


class NoSuchToken(Refused):
    """There is no such token any more: it was revoked, or its time is over."""

    code = "no-such-token"
    status = 404


def actor_of(request: HttpRequest) -> Actor:
    """Who sends this request: what the API's bearer check found, else the session's user. Read once per request."""
    known = getattr(request, "actor", None)
    if isinstance(known, Actor):
        return known
    actor = actor_of_user(getattr(request, "user", None))
    remember(request, actor)
    return actor


def remember(request: HttpRequest, actor: Actor) -> None:
    """Make an actor the request's, where every entrance finds it, and name it in every later log line."""
    request.actor = actor  # type: ignore[attr-defined]  # Django's request has no such attribute
    structlog.contextvars.bind_contextvars(actor=actor.name)


def actor_of_user(user: AbstractBaseUser | AnonymousUser | None) -> Actor:
    """The actor of a Django user: anonymous when signed out or disabled, without a role when it has no account row."""
    if user is None or not user.is_authenticated or not user.is_active:
        return ANONYMOUS
    account = Account.objects.filter(user_id=user.pk).first()
    name = user.get_username()
    if account is None:
        return Actor(kind="user", name=name, role=None, scopes=NOTHING, user_id=user.pk, account=name)
    if needs_factor(user, account=account) and not has_factor(user):
        return Actor(kind="user", name=name, role=None, user_id=user.pk, account=name, must_first=FACTOR_FIRST)
    scopes = TopicFilter.of(account.topic_scopes)
    return Actor(kind="user", name=name, role=account.standing, scopes=scopes, user_id=user.pk, account=name)


def needs_factor(user: AbstractBaseUser, *, account: Account | None = None) -> bool:
    """Whether somebody's role takes a second factor beside their password; at a provider that is its own matter."""
    roles = getattr(settings, "MFA_REQUIRED_FOR", ())
    if not roles or not user.has_usable_password():
        return False
    known = account or Account.objects.filter(user_id=user.pk).first()
    return known is not None and known.role in roles


def signs_in_by_password(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether somebody has a password here."""
    return isinstance(user, AbstractBaseUser) and user.has_usable_password()


def has_factor(user: AbstractBaseUser) -> bool:
    """Whether somebody has set up an authenticator app."""
    return apps.is_installed("allauth.mfa") and user.authenticator_set.filter(type="totp").exists()  # type: ignore[attr-defined]  # allauth's


def who_have_factors() -> frozenset[int]:
    """The users who have set one up, by number."""
    if not apps.is_installed("allauth.mfa"):
        return frozenset()
    return frozenset(get_user_model().objects.filter(authenticator__type="totp").values_list("pk", flat=True))


def account_named(username: str, *, disabled: bool = False) -> Account:
    """The active account of that username, or also a ``disabled`` one; raises ``NoSuchAccount``."""
    rows = Account.objects.select_related("user")
    active = rows if disabled else rows.filter(user__is_active=True)
    account = None if "\x00" in username else active.filter(user__username=username).first()  # text has no room for NUL
    if account is None:
        raise NoSuchAccount(f"There is no active account named {username!r}.")
    return account


def cli_actor(as_username: str) -> Actor:
    """The command line with an account's rights: named after the operating system's user, so both are on record."""
    account = account_named(as_username)
    scopes = TopicFilter.of(account.topic_scopes)
    role, user_id = account.standing, account.user_id
    return Actor(kind="cli", name=f"{CLI}{_os_user()}", role=role, scopes=scopes, user_id=user_id, account=as_username)


def host_actor() -> Actor:
    """Whoever runs a command on the console's host with its database address: may do what needs no account yet."""
    return Actor(kind="cli", name=f"{CLI}{_os_user()}", role=Role.ADMIN, scopes=TopicFilter.of(["*"]))


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that no name belongs to
        return "unnamed"


def valid_token(token: str, *, now: datetime) -> ApiToken | None:
    """The stored token, if it is ours, neither expired nor revoked, and its account is active."""
    digest = tokens.digest(token)
    if digest is None:
        return None
    stored = ApiToken.objects.select_related("account__user").filter(hash=digest).first()
    if stored is None or stored.revoked_at is not None or stored.expires_at <= now:
        return None
    return stored if stored.account.user.is_active else None


def actor_of_token(token: ApiToken) -> Actor:
    """The actor of a valid token: the owner's rights as they are now, cut down to the token's own."""
    account = token.account
    scopes = TopicFilter.of(account.topic_scopes)
    if token.topic_scopes is not None:
        scopes = scopes.narrowed(token.topic_scopes)
    owner = account.user.get_username()
    role = Role.lesser(account.standing, Role(token.role)) if account.standing is not None else None
    return Actor(
        kind="token",
        name=f"{owner}/{token.name}",
        role=role,
        scopes=scopes,
        user_id=account.user_id,
        account=owner,
        acts=None if token.acts is None else frozenset(token.acts),
    )


def actor_again(*, kind: Kind, name: str, account: str, now: datetime) -> Actor:
    """Whoever began something that goes on without them, with the rights that they have now.

    Raises ``NoSuchAccount``; for what was begun with a token also ``NoSuchToken``.
    """
    if kind == "system":
        return system_actor(name)
    if kind == "policy":
        return policy_actor(name)
    owner = account_named(account)
    if kind == "token":
        named = name.removeprefix(f"{account}/")
        token = owner.tokens.select_related("account__user").filter(name=named, revoked_at=None).first()
        if token is None or token.expires_at <= now:
            raise NoSuchToken(f"The token {named!r} of {account} was revoked, or its time is over.")
        return actor_of_token(token)
    scopes = TopicFilter.of(owner.topic_scopes)
    return Actor(kind=kind, name=name, role=owner.standing, scopes=scopes, user_id=owner.user_id, account=account)


@dataclass(frozen=True, slots=True)
class VisibleTopics:
    """An actor's topic filter, for one name and for a database query: both mean the same."""

    topics: TopicFilter

    def allows(self, topic: str) -> bool:
        """Whether the actor may see this topic."""
        return self.topics.allows(topic)

    @property
    def is_everything(self) -> bool:
        """Whether nothing is hidden."""
        return self.topics.is_everything

    def q(self, field: str) -> Q:
        """A condition on a text column that keeps the rows whose topic may be seen."""
        condition = Q()
        for layer in self.topics.layers:
            if not any(scope.is_everything for scope in layer):
                condition &= _any_of(layer, field)
        return condition


def visible_topics(actor: Actor) -> VisibleTopics:
    """What an actor may see of everything that belongs to a topic; start every such query from it."""
    return VisibleTopics(actor.scopes if actor.role is not None else NOTHING)


def _any_of(layer: tuple[Scope, ...], field: str) -> Q:
    nothing = Q(pk__in=[])
    exact = [scope.pattern for scope in layer if scope.is_exact]
    conditions = [Q(**{f"{field}__in": exact})] if exact else []
    for scope in layer:
        if scope.is_exact:
            continue
        if scope.prefix is not None:
            conditions.append(Q(**{f"{field}__startswith": scope.prefix}))
        else:
            conditions.append(Q(**{f"{field}__regex": scope.regex}))
    # A glob such as "*?" must not pass rows whose topic is not known, nor may NULL slip through.
    return (reduce(or_, conditions) & ~Q(**{field: ""})) if conditions else nothing


def tokens_of(actor: Actor) -> list[ApiToken]:
    """The living tokens of the actor's own account, newest first."""
    if not actor.account:
        return []
    rows = ApiToken.objects.filter(account__user__username=actor.account, revoked_at=None)
    return list(rows.select_related("account__user").order_by("-created_at"))


def token_for(actor: Actor, token_id: int) -> ApiToken | None:
    """A living token that the actor may end: their own, or anybody's for who manages tokens; else None."""
    rows = ApiToken.objects.select_related("account__user").filter(pk=token_id, revoked_at=None)
    if not may(actor, "tokens.manage"):
        rows = rows.filter(account__user__username=actor.account)
    return rows.first()


def living_tokens(*, limit: int, now: datetime) -> list[ApiToken]:
    """The tokens of all accounts that count now, newest first; for who manages tokens."""
    rows = ApiToken.objects.filter(revoked_at=None, expires_at__gt=now)
    return list(rows.select_related("account__user").order_by("-created_at")[:limit])


def who_sign_in_elsewhere() -> frozenset[int]:
    """The users who sign in at the identity provider, by number."""
    if not apps.is_installed("allauth.socialaccount"):
        return frozenset()
    linked = get_user_model().objects.filter(socialaccount__isnull=False)
    return frozenset(linked.values_list("pk", flat=True))


def accounts() -> list[Account]:
    """Every account with its user, by name; for those who may see accounts."""
    return list(Account.objects.select_related("user").order_by("user__username"))
