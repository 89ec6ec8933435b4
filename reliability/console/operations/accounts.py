"""Acts on accounts and tokens, each with its entry in the audit; a secret is never part of one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from reliability import access, audit
from reliability.access import operations as access_operations
from reliability.access import queries as access_queries
from reliability.access.models import Account, ApiToken
from reliability.access.operations import sessions
from reliability.kernel.errors import Refused


def create_account(
    *,
    actor: access.Actor,
    username: str,
    password: str,
    role: access.Role,
    topic_scopes: Sequence[str] = ("*",),
    update: bool = False,
) -> Account:
    """Make an account, or with ``update`` set an existing one's role, scopes and password and enable it."""
    facts = {"role": role, "topic_scopes": list(topic_scopes), "update": update}
    with audit.action("accounts.manage", actor=actor, target=f"account:{username}", facts=facts):
        return access_operations.create_account(
            username=username, password=password, role=role, topic_scopes=topic_scopes, update=update
        )


class OwnAccount(Refused):
    """Nobody disables the account they are signed in with. Another admin can."""

    code = "own-account"


def set_active(*, actor: access.Actor, username: str, active: bool) -> int:
    """Disable an account and end its sessions, or enable it again; return how many sessions there were.

    Its tokens open nothing while it is disabled. Raises ``NoSuchAccount``, ``OwnAccount``, ``LastAdmin``.
    """
    facts: dict[str, object] = {"active": active}
    with audit.action("accounts.manage", actor=actor, target=f"account:{username}", facts=facts) as entry:
        if actor.kind == "user" and actor.account == username and not active:
            raise OwnAccount
        account = access_queries.account_named(username, disabled=True)
        entry.facts["changed"] = access_operations.set_active(account=account, active=active)
        ended = 0 if active else sessions.end_of_user(user_id=account.user_id)
        entry.facts["sessions_ended"] = ended
        return ended


def reset_factor(*, actor: access.Actor, username: str) -> int:
    """Take somebody's second factors off, who lost them, and end their sessions; return how many factors there were."""
    with audit.action("accounts.manage", actor=actor, target=f"account:{username}") as entry:
        account = access_queries.account_named(username, disabled=True)
        ended = access_operations.take_factors(account=account)
        entry.facts |= {"factors_taken": ended, "sessions_ended": sessions.end_of_user(user_id=account.user_id)}
        return ended


def issue_token(
    *,
    actor: access.Actor,
    username: str,
    name: str,
    role: access.Role | None = None,
    topic_scopes: Sequence[str] | None = None,
    acts: Sequence[str] | None = None,
    life: timedelta,
    now: datetime,
) -> access_operations.IssuedToken:
    """Make a token of an account; everybody may make their own, admins anybody's."""
    facts: dict[str, object] = {"role": role, "topic_scopes": topic_scopes, "acts": acts, "days": life.days}
    with audit.action(_right(actor, username), actor=actor, target=f"token:{username}/{name}", facts=facts) as entry:
        account = access_queries.account_named(username)
        issued = access_operations.issue_token(
            account=account, name=name, role=role, topic_scopes=topic_scopes, acts=acts, life=life, now=now
        )
        entry.facts |= {"role": issued.token.role, "token": issued.token.pk, "starts": issued.token.shown}
        return issued


def revoke_token(*, actor: access.Actor, token: ApiToken, now: datetime) -> bool:
    """End a token at once; False when it was ended before."""
    username = token.account.user.get_username()
    with audit.action(_right(actor, username), actor=actor, target=f"token:{username}/{token.name}") as entry:
        ended = access_operations.revoke_token(token_id=token.pk, now=now)
        entry.facts |= {"token": token.pk, "revoked": ended}
        return ended


def _right(actor: access.Actor, username: str) -> str:
    """Only a person signed in makes their own tokens: a leaked token must not be able to make another one."""
    return "tokens.own" if actor.kind == "user" and actor.account == username else "tokens.manage"
