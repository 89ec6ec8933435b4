"""Ending sessions: one's own, or as an admin all of somebody; each with its entry."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser

from reliability import access, audit
from reliability.access import queries as access_queries
from reliability.access.models import BrowserSession
from reliability.access.operations import sessions


def end(*, actor: access.Actor, row: BrowserSession) -> None:
    """End one of one's own sessions."""
    facts = {"browser": row.browser, "address": row.address}
    with audit.action("sessions.own", actor=actor, target=f"session:{actor.account}/{row.pk}", facts=facts):
        sessions.end([row.session_key])


def end_others(*, actor: access.Actor, user: AbstractBaseUser, this: str) -> int:
    """End all of one's own sessions but this one; return how many."""
    with audit.action("sessions.own", actor=actor, target=f"account:{actor.account}") as entry:
        ended = sessions.end_of_user(user_id=user.pk, but=this)
        entry.facts["sessions_ended"] = ended
        return ended


def end_all(*, actor: access.Actor, username: str) -> int:
    """As an admin: end every session of an account; return how many. Raises ``NoSuchAccount``."""
    with audit.action("accounts.manage", actor=actor, target=f"account:{username}") as entry:
        account = access_queries.account_named(username, disabled=True)
        ended = sessions.end_of_user(user_id=account.user_id)
        entry.facts["sessions_ended"] = ended
        return ended
