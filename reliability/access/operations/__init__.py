"""Making accounts and tokens. Not audited here, as this room lies below the audit: the console's acts call these."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from reliability.access.domain import tokens
from reliability.access.domain.rights import RIGHTS
from reliability.access.domain.roles import Role
from reliability.access.domain.scopes import TopicFilter
from reliability.access.models import Account, ApiToken
from reliability.kernel.errors import Refused

LONGEST_LIFE = timedelta(days=3650)
# One write per token and minute is enough to see which tokens are still in use.
USE_NOTED_EVERY = timedelta(minutes=1)


class AccountExists(Refused):
    """There is already an account of that name."""

    code = "account-exists"


class BadAccount(Refused):
    """The username or the password is not acceptable."""

    code = "bad-account"
    status = 422


class BadToken(Refused):
    """The token's name, role or life is not acceptable."""

    code = "bad-token"
    status = 422


class LastAdmin(Refused):
    """This is the last admin that is not disabled: nobody could let anybody in after that. Make another one first."""

    code = "last-admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A new token and, this once, its secret."""

    token: ApiToken
    secret: str


def create_account(
    *, username: str, password: str, role: Role, topic_scopes: Sequence[str] = ("*",), update: bool = False
) -> Account:
    """Make a user with a role; ``update`` changes an existing one instead.

    Raises ``AccountExists``, ``BadAccount``, ``BadScope``. A changed password ends that user's sessions.
    """
    TopicFilter.of(topic_scopes)
    model = get_user_model()
    _check_username(username)
    with transaction.atomic():
        user = model.objects.select_for_update().filter(username=username).first()
        if user is not None and not update:
            raise AccountExists(f"There is already an account named {username!r}; --update changes it.")
        if user is not None and signs_in_elsewhere(user):
            raise BadAccount(f"{username} signs in at the identity provider, which gives the role; it has no password.")
        user = user or model(username=username)
        try:
            user.full_clean(exclude=["password"])
            validate_password(password, user)
        except ValidationError as error:
            raise BadAccount(" ".join(error.messages)) from error
        user.is_active = True
        user.set_password(password)
        user.save()
        account, _ = Account.objects.update_or_create(
            user=user, defaults={"role": role, "topic_scopes": list(topic_scopes)}
        )
    return account


def signs_in_elsewhere(user: AbstractBaseUser) -> bool:
    """Whether it is the account of somebody of the identity provider."""
    return apps.is_installed("allauth.socialaccount") and user.socialaccount_set.exists()  # type: ignore[attr-defined]  # allauth's


def set_standing(*, user: AbstractBaseUser, role: Role | None, topic_scopes: Sequence[str]) -> Account:
    """Give an account another role and other topics; without a role it may do nothing, and neither may its tokens."""
    TopicFilter.of(topic_scopes)
    account, _ = Account.objects.update_or_create(
        user_id=user.pk, defaults={"role": role.value if role else "", "topic_scopes": list(topic_scopes)}
    )
    return account


def _check_username(username: str) -> None:
    """Before the database sees it: PostgreSQL's text has no room for NUL."""
    try:
        get_user_model()._meta.get_field("username").clean(username, None)
    except ValidationError as error:
        raise BadAccount(" ".join(error.messages)) from error


def set_active(*, account: Account, active: bool) -> bool:
    """Disable an account, or enable it again; False when it was so before. Raises ``LastAdmin``.

    A disabled one opens nothing: no session, no token, nothing made of one. Two admins who disable each other at once
    take turns, so that one of them stays.
    """
    with transaction.atomic():
        locked = Account.objects.select_for_update().filter(Q(role=Role.ADMIN) | Q(pk=account.pk)).order_by("pk")
        role = {each.pk: each.role for each in locked}.get(account.pk)
        others = Account.objects.filter(role=Role.ADMIN, user__is_active=True).exclude(pk=account.pk)
        if not active and role == Role.ADMIN and not others.exists():  # read now that nobody else changes it
            raise LastAdmin
        users = get_user_model().objects.filter(pk=account.user_id).exclude(is_active=active)
        return bool(users.update(is_active=active))


def take_factors(*, account: Account) -> int:
    """Take all second factors off an account; return how many apps and sets of codes there were."""
    if not apps.is_installed("allauth.mfa"):
        return 0
    taken, _ = account.user.authenticator_set.all().delete()  # type: ignore[attr-defined]  # allauth's
    return int(taken)


def issue_token(
    *,
    account: Account,
    name: str,
    role: Role | None = None,
    topic_scopes: Sequence[str] | None = None,
    acts: Sequence[str] | None = None,
    life: timedelta,
    now: datetime,
) -> IssuedToken:
    """Make a token of an account, with its role or a lesser one, and for some acts only when these are named.

    Raises ``BadToken``, ``BadScope``.
    """
    owned = account.standing
    if owned is None:
        raise BadToken(f"{account.user.get_username()} has no role, so that a token of it could do nothing.")
    wanted = role or owned
    if not owned.covers(wanted):
        raise BadToken(f"A token cannot have more rights than its account: {account.user.get_username()} is {owned}.")
    if not name or len(name) > 80 or not name.isprintable():
        raise BadToken("A token's name has 1 to 80 printable characters.")
    if not timedelta(0) < life <= LONGEST_LIFE:
        raise BadToken(f"A token lives between a moment and {LONGEST_LIFE.days} days.")
    if topic_scopes is not None:
        TopicFilter.of(topic_scopes)
    unknown = sorted(set(acts or ()) - RIGHTS.keys())
    if unknown or (acts is not None and not acts):
        raise BadToken(f"{unknown[0][:80] if unknown else 'Nothing'} is no act; one is degradation.evaluate.")
    secret = tokens.PREFIX + secrets.token_urlsafe(tokens.RANDOM_BYTES)
    with transaction.atomic():
        Account.objects.select_for_update().get(
            pk=account.pk
        )  # two of the same name at once: the second sees the first
        if account.tokens.filter(name=name, revoked_at=None).exists():
            raise BadToken(f"There is already a token named {name!r}; revoke it first.")
        token = account.tokens.create(
            name=name,
            hash=tokens.digest(secret),
            shown=tokens.shown(secret),
            role=wanted,
            topic_scopes=None if topic_scopes is None else list(topic_scopes),
            acts=None if acts is None else sorted(set(acts)),
            created_at=now,
            expires_at=now + life,
        )
    return IssuedToken(token=token, secret=secret)


def revoke_token(*, token_id: int, now: datetime) -> bool:
    """End a token at once; False when it was ended before or never existed."""
    return bool(ApiToken.objects.filter(pk=token_id, revoked_at=None).update(revoked_at=now))


def note_use(*, token: ApiToken, now: datetime) -> None:
    """Remember that a token was used, to the minute."""
    if token.last_used_at is None or now - token.last_used_at >= USE_NOTED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
