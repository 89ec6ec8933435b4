"""Policies: saved, switched and deleted by admins; released by operators when they ask for a person."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from reliability import access, audit
from reliability.degradation.domain import packing, policy
from reliability.degradation.domain.policy import State
from reliability.degradation.domain.precedence import Source
from reliability.degradation.domain.sentences import sentence
from reliability.degradation.models import Flag, Policy, Word
from reliability.degradation.models.history import Kind
from reliability.degradation.operations.levels import BadLevel
from reliability.degradation.operations.standing import Superseded, locked, settled
from reliability.degradation.queries import signals
from reliability.degradation.queries.standing import declaration
from reliability.kernel.errors import Refused


class NoSuchPolicy(Refused):
    """There is no such policy."""

    code = "no-such-policy"
    status = 404


class OtherFlag(Refused):
    """A policy keeps its flag: make another policy for the other flag, and delete this one."""

    code = "other-flag"
    status = 409


class NotHeld(Refused):
    """This policy does not ask for a person: it decides by itself."""

    code = "not-held"
    status = 409


def save(
    *, wanted: policy.Policy, is_on: bool, reason: str, actor: access.Actor, version: int, now: datetime
) -> Policy:
    """Save a policy; ``version`` is the one that was looked at, 0 for a new one. Audited. Return its row.

    What it knows of conditions that stay the same goes on. Raises ``Superseded``, ``OtherFlag``, ``BadLevel``,
    ``NoSuchFlag``, ``signals.HiddenSignal``, ``access.Denied``, ``audit.ReasonRequired``.
    """
    facts = {"flag": wanted.flag, "switched_on": is_on, "policy": sentence(wanted)}
    with audit.action("degradation.policy", actor=actor, target=target(wanted.name), reason=reason, facts=facts):
        signals.check_open(wanted, actor=actor)
        flag = locked(wanted.flag)
        known = declaration(flag)
        if wanted.level > known.worst:
            raise BadLevel(f"{flag.name} has no level {wanted.level}. It has {known.in_words}.")
        row = Policy.objects.select_for_update().filter(name=wanted.name).first()
        if (row.version if row is not None else 0) != version:
            raise Superseded
        if row is None:
            row = Policy(name=wanted.name, flag=flag, version=0)
        elif row.flag_id != flag.name:
            raise OtherFlag
        else:
            before = packing.policy_read(row.body)
            row.state = packing.state_as_json(policy.adapted(packing.state_read(row.state), before, wanted))
        row.body, row.actor, row.reason, row.saved_at = packing.policy_as_json(wanted), actor.name, reason, now
        _switched(row, is_on=is_on)
        _words(row).update(level=wanted.level)
        settled(flag, Kind.SWITCHED, now=now, actor=actor.name, why=reason, owner=row.name)
    return row


def switch(*, name: str, is_on: bool, reason: str, actor: access.Actor, version: int, now: datetime) -> Policy:
    """Switch a policy on or off; one that is off says nothing of the level, and begins anew when it is on. Audited.

    Raises ``NoSuchPolicy``, ``Superseded``, ``access.Denied``, ``audit.ReasonRequired``.
    """
    with audit.action(
        "degradation.policy", actor=actor, target=target(name), reason=reason, facts={"switched_on": is_on}
    ):
        row, flag = _locked(name, version=version)
        _switched(row, is_on=is_on)
        settled(flag, Kind.SWITCHED, now=now, actor=actor.name, why=reason, owner=name)
    return row


def delete(*, name: str, reason: str, actor: access.Actor, version: int, now: datetime) -> None:
    """Delete a policy with what it says of the level; its history stays. Audited. Raises as ``switch``."""
    with audit.action("degradation.policy", actor=actor, target=target(name), reason=reason, facts={"deleted": True}):
        row, flag = _locked(name, version=version)
        _words(row).delete()
        row.delete()
        settled(flag, Kind.SWITCHED, now=now, actor=actor.name, why=reason, owner=name)


def release(*, name: str, reason: str, actor: access.Actor, version: int, now: datetime) -> Policy:
    """Let a policy decide again that has spent its budget of changes. Audited.

    Raises ``NotHeld``, ``NoSuchPolicy``, ``Superseded``, ``access.Denied``, ``audit.ReasonRequired``.
    """
    with audit.action("degradation.release", actor=actor, target=target(name), reason=reason):
        row, flag = _locked(name, version=version)
        if row.held_since is None:
            raise NotHeld
        row.state = packing.state_as_json(policy.released(packing.state_read(row.state)))
        row.held_since, row.held_why = None, ""
        _saved(row)
        settled(flag, Kind.RELEASED, now=now, actor=actor.name, why=reason, owner=name)
    return row


def target(name: str) -> str:
    """Return how the audit names a policy."""
    return f"policy:{name}"


def _locked(name: str, *, version: int) -> tuple[Policy, Flag]:
    """The flag's row is held first, as by everybody who changes it."""
    flag = Policy.objects.filter(name=name).values_list("flag_id", flat=True).first() if "\x00" not in name else None
    if flag is None:
        raise NoSuchPolicy(f"No policy is called {name[:80]!r}.")
    held = locked(flag)
    row = Policy.objects.select_for_update().filter(name=name).first()
    if row is None:
        raise NoSuchPolicy(f"No policy is called {name[:80]!r}.")
    if row.version != version:
        raise Superseded
    return row, held


def _switched(row: Policy, *, is_on: bool) -> None:
    row.is_on = is_on
    if not is_on:
        row.state = packing.state_as_json(State())
        row.waits, row.unknown, row.held_since, row.held_why = "", [], None, ""
        _words(row).delete()
    _saved(row)


def _saved(row: Policy) -> None:
    row.version += 1
    row.steps += 1
    row.save()


def _words(row: Policy) -> QuerySet[Word]:
    return Word.objects.filter(flag_id=row.flag_id, source=Source.POLICY, owner=row.name)
