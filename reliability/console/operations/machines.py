"""Machines' tokens: a family begins, ends, or is ended because somebody showed a refresh token twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from reliability import access, audit
from reliability.access.models import ApiToken, TokenFamily
from reliability.access.operations import machines
from reliability.access.operations.machines import BadRefresh, Issued, Reused, ReusedRefresh

__all__ = ["BadRefresh", "Issued", "ReusedRefresh", "begin", "end", "refresh"]

GUARD = access.system_actor("token-guard")


def begin(*, actor: access.Actor, token: ApiToken, now: datetime) -> Issued:
    """Begin a family with an API token; raises ``TooManyFamilies``. It adds no rights, so none is asked for."""
    with audit.action("tokens.grant", actor=replace(actor, acts=None), target=_target(token)) as entry:
        issued = machines.begin(token=token, now=now)
        entry.facts |= {"family": issued.family.pk, "until": issued.family.ends_at.isoformat()}
        return issued


def refresh(*, secret: str, now: datetime) -> Issued:
    """Give the next pair; raises ``BadRefresh``, and ``ReusedRefresh`` once the whole family has ended.

    No entry for each: a machine does it every few minutes. ``refreshed_at`` of the family says when it last did.
    """
    found = machines.refresh(secret=secret, now=now)
    if isinstance(found, Reused):
        token = found.family.token
        with audit.action("tokens.reuse", actor=GUARD, target=_target(token)) as entry:
            ended = machines.end(family_id=found.family.pk, why=machines.REUSED, now=now)
            entry.facts |= {"family": found.family.pk, "ended": ended}
        raise ReusedRefresh
    return found


def end(*, actor: access.Actor, family: TokenFamily, now: datetime) -> bool:
    """End a family at once; False when it was ended before. One's own, or as an admin anybody's."""
    token = family.token
    own = actor.account == token.account.user.get_username() and (actor.kind == "user" or actor.name == _name(token))
    right = "tokens.grant" if own else "tokens.manage"
    whose = replace(actor, acts=None) if own else actor
    with audit.action(right, actor=whose, target=_target(token)) as entry:
        ended = machines.end(family_id=family.pk, why=machines.ENDED, now=now)
        entry.facts |= {"family": family.pk, "ended": ended}
        return ended


def _name(token: ApiToken) -> str:
    return f"{token.account.user.get_username()}/{token.name}"


def _target(token: ApiToken) -> str:
    return f"token:{_name(token)}"
