"""People of the identity provider: their accounts are made and changed at each sign-in, each change with its entry."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model
from django.db import connection

from reliability import access, audit
from reliability.access import operations as access_operations
from reliability.access.domain import standing
from reliability.access.models import Account
from reliability.access.oidc.provider import PROVIDER
from reliability.kernel.errors import Refused
from reliability.kernel.text import is_storable, printable

log = structlog.get_logger(__name__)

ACT = "accounts.provide"
SIGN_IN = access.system_actor("sign-in")


class AccountDisabled(Refused):
    """This account was disabled here. An admin can enable it again."""

    code = "account-disabled"
    status = 403


class NotText(Refused):
    """The identity provider names you with characters that cannot be kept."""

    code = "not-text"
    status = 401


def admit(*, claims: Mapping[str, object], issuer: str, rules: standing.Rules, uid: str) -> SocialAccount:
    """Return whom the claims prove, with the role and topics that they give now; the first time, make the account.

    Who has no role any more loses the one that was there, in this very call, and is refused. Raises ``NoRole``,
    ``WeakSignIn``, ``BadScope``, ``AccountDisabled``.
    """
    subject = str(claims["sub"])
    if not is_storable(subject):
        raise NotText
    try:
        given = standing.standing(claims, rules)
    except Refused as refused:
        _take_role(uid, why=refused)
        raise
    known = _known(uid)
    if known is None:
        known = _make(claims, given, uid=uid, extra={"iss": issuer, "sub": subject})
    if not known.user.is_active:
        raise AccountDisabled
    _change(known, given)
    return known


def _known(uid: str) -> SocialAccount | None:
    return SocialAccount.objects.select_related("user").filter(provider=PROVIDER, uid=uid).first()


def _make(claims: Mapping[str, object], given: standing.Standing, *, uid: str, extra: dict[str, str]) -> SocialAccount:
    name = claims.get("name")
    shown = printable(name, limit=150) if isinstance(name, str) else ""
    facts = {"role": given.role, "topic_scopes": list(given.topic_scopes), "issuer": extra["iss"]}
    try:
        with audit.action(ACT, actor=SIGN_IN, target="account:", facts=facts) as entry:
            _one_at_a_time()
            if _known(uid) is not None:  # another tab was faster
                raise audit.LeftAlone
            username = _free_name(claims, uid)
            entry.target = f"account:{username}"
            user = get_user_model()(username=username, first_name=shown)
            user.set_unusable_password()
            user.save(force_insert=True)
            Account.objects.create(user=user, role=given.role, topic_scopes=list(given.topic_scopes))
            return SocialAccount.objects.create(user=user, provider=PROVIDER, uid=uid, extra_data=extra)
    except audit.LeftAlone:
        return SocialAccount.objects.select_related("user").get(provider=PROVIDER, uid=uid)


def _one_at_a_time() -> None:
    """Until the commit nobody else makes this account, nor another one under a name that looks free."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtext('mainstay'), hashtext('sign-in'))")


def _free_name(claims: Mapping[str, object], uid: str) -> str:
    """A username that nobody has, in whatever case: an account that is there is never taken over."""
    names, users = standing.usernames(claims, key=uid), get_user_model().objects
    return next(name for name in names if not users.filter(username__iexact=name).exists())


def _change(known: SocialAccount, given: standing.Standing) -> None:
    account = Account.objects.filter(user=known.user).first()
    before = (account.role, tuple(account.topic_scopes)) if account else ("", ())
    if before == (given.role.value, given.topic_scopes):
        return
    facts = {"role": given.role, "topic_scopes": list(given.topic_scopes), "before": before[0]}
    with audit.action(ACT, actor=SIGN_IN, target=f"account:{known.user.get_username()}", facts=facts):
        access_operations.set_standing(user=known.user, role=given.role, topic_scopes=given.topic_scopes)


def _take_role(uid: str, *, why: Refused) -> None:
    known = _known(uid)
    account = Account.objects.filter(user=known.user).exclude(role="").first() if known else None
    if known is None or account is None:
        return
    facts = {"role": "", "before": account.role, "code": why.code, "why": str(why)}
    with audit.action(ACT, actor=SIGN_IN, target=f"account:{known.user.get_username()}", facts=facts):
        access_operations.set_standing(user=known.user, role=None, topic_scopes=())
