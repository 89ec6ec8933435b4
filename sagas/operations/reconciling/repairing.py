"""Repairs: previewed on both sides as they are, then done once, in one transaction with the finding and the audit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from reliability import access, audit, live
from reliability.kernel.errors import Refused
from sagas import reconciliations
from sagas.domain.reconciling import finding as rules
from sagas.domain.reconciling import proposing
from sagas.domain.reconciling.comparing import Judged, judge
from sagas.domain.reconciling.definition import Reconciliation
from sagas.domain.reconciling.finding import Finding
from sagas.domain.reconciling.proposing import Proposal
from sagas.models import Finding as Row
from sagas.models import FindingEntry
from sagas.operations.reconciling import commanding, observing, rows, touching
from sagas.queries import findings, histories, reading

REPAIR: Final = "reconcile.repair"
DISMISS: Final = "reconcile.dismiss"
LOOK_AFTER: Final = timedelta(seconds=2)


class Changed(Refused):
    """The finding has changed since it was looked at."""

    code = "finding-changed"


class CannotLook(Refused):
    """Both sides must be read before anything is repaired, and one does not answer."""

    code = "side-unread"
    status = 503


class NoCode(Refused):
    """This console does not have the code of this reconciliation."""

    code = "no-code"


class NeedsPerson(Refused):
    """No rule may apply this repair by itself."""

    code = "needs-person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A finding with what both sides say of it now, and the repair that is proposed. ``judged`` None: unread."""

    row: Row
    judged: Judged | None
    unread: str = ""
    proposal: Proposal | None = None
    refusal: str = ""


def look(finding_id: int, *, repair: str = "", actor: access.Actor) -> Look:
    """Read both sides now, write down what they say, and return what the repair would do.

    Raises ``access.Denied`` and ``findings.NoSuchFinding``.
    """
    access.admit(actor, "reconcile.view")
    found = findings.one(finding_id)
    try:
        defined, judged = _read(found)
    except (NoCode, CannotLook) as error:
        return Look(row=found, judged=None, unread=str(error))
    try:
        proposal = propose(defined, found, judged, repair)
    except Refused as error:
        return Look(row=found, judged=judged, refusal=str(error))
    return Look(row=found, judged=judged, proposal=proposal, refusal=proposal.refusal or _not_now(found, proposal))


def _not_now(found: Row, proposal: Proposal) -> str:
    """Why a finding that stands as this one does would refuse the repair; "" when it would not."""
    chosen, at = proposal.repair, histories.database_now()
    try:
        rules.applied(rows.value(found), repair=chosen.name, patience=chosen.patience, at=at, actor="", data={})
    except Refused as error:
        return str(error)
    return ""


def apply(finding_id: int, *, repair: str, plan_hash: str, actor: access.Actor, reason: str) -> Row:
    """Do exactly the repair that was looked at, once; the sides are compared again soon after.

    ``plan_hash`` names both sides and the commands, as ``look`` told them; "" takes them as they are now, for a rule
    that somebody approved beforehand. Raises ``access.Denied``, ``findings.NoSuchFinding``, ``Changed``,
    ``CannotLook``, what the commands raise, and what ``audit.action`` raises.
    """
    with audit.admitted(REPAIR, actor=actor, target=f"finding:{finding_id}"):
        found = findings.one(finding_id)
    target = f"finding:{found.reconciliation}/{found.key}"
    read = read_first(found)  # outside the transaction: a side may take seconds, and nobody should wait for its locks
    with audit.action(REPAIR, actor=actor, target=target, reason=reason) as entry:
        as_planned = (lambda proposal: proposal.hash == plan_hash) if plan_hash else (lambda proposal: True)
        return apply_within(entry, found, read, repair=repair, as_planned=as_planned)


def apply_within(
    entry: audit.Draft,
    found: Row,
    read: Callable[[], tuple[Reconciliation, Judged]],
    *,
    repair: str,
    as_planned: Callable[[Proposal], bool],
) -> Row:
    """The same inside somebody's act, whose entry is given, after ``read_first``; ``as_planned``: whether this is what
    was looked at."""
    entry.facts |= {"finding": found.id, "difference": found.difference}
    locked, proposal = _checked(found, read, repair=repair, as_planned=as_planned, actor=entry.actor)
    name, reason = entry.actor.name, entry.reason
    done = [
        {"says": each.says(), "became": commanding.execute(each, actor=name, reason=reason)}
        for each in proposal.commands
    ]
    entry.facts |= {"repair": proposal.repair.name, "did": done}
    told = {"did": done, "reason": reason, "title": proposal.repair.title}
    applied, patience = proposal.repair.name, proposal.repair.patience
    _move(
        locked,
        lambda was, at: rules.applied(was, repair=applied, patience=patience, at=at, actor=name, data=told),
    )
    touching.touch(locked.reconciliation, [locked.key], after=LOOK_AFTER)
    return locked


def _checked(
    found: Row,
    read: Callable[[], tuple[Reconciliation, Judged]],
    *,
    repair: str,
    as_planned: Callable[[Proposal], bool],
    actor: access.Actor,
) -> tuple[Row, Proposal]:
    """Lock the finding and make sure that it, both sides and the repair are what was looked at."""
    defined, judged = read()
    locked = Row.objects.select_for_update().get(id=found.id)
    if locked.version != found.version:
        raise Changed(f"The finding has changed since you looked at it: it is {locked.state} now; look again.")
    proposal = propose(defined, locked, judged, repair)
    if not as_planned(proposal):
        raise Changed("Both sides, or what would be done, are not what you looked at; look again.")
    if actor.kind == "policy" and proposal.repair.policy is None:
        raise NeedsPerson(f"{proposal.repair.title}: a person decides that.")
    if proposal.refusal:
        raise proposing.WouldNotHelp(proposal.refusal)
    return locked, proposal


def dismiss(finding_id: int, *, actor: access.Actor, reason: str, version: int | None = None) -> Row:
    """Let a finding be as it is, until what the sides say changes. Raises as ``apply`` does."""
    return _by_person(finding_id, rules.dismissed, actor=actor, reason=reason, version=version, act="dismiss")


def reopen(finding_id: int, *, actor: access.Actor, reason: str, version: int | None = None) -> Row:
    """Take a dismissal back. Raises as ``apply`` does."""
    return _by_person(finding_id, rules.reopened, actor=actor, reason=reason, version=version, act="reopen")


def _by_person(
    finding_id: int, move: Callable[..., Any], *, actor: access.Actor, reason: str, version: int | None, act: str
) -> Row:
    with audit.admitted(DISMISS, actor=actor, target=f"finding:{finding_id}"):
        found = findings.one(finding_id)
    target = f"finding:{found.reconciliation}/{found.key}"
    facts = {"finding": finding_id, "act": act, "difference": found.difference}
    with audit.action(DISMISS, actor=actor, target=target, reason=reason, facts=facts):
        locked = Row.objects.select_for_update().get(id=finding_id)
        if version is not None and locked.version != version:
            raise Changed(f"The finding has changed since you looked at it: it is {locked.state} now; look again.")
        _move(locked, lambda before, at: move(before, at=at, actor=actor.name, reason=reason))
    return locked


def _move(locked: Row, move: Callable[[Finding, Any], Any]) -> None:
    at = histories.database_now()
    after, entries = move(rows.value(locked), at)
    lines = rows.put(locked, after, entries, at=at)
    locked.save()
    FindingEntry.objects.bulk_create(lines)
    live.changed("findings")
    live.changed(f"finding:{locked.id}")


def read_first(found: Row) -> Callable[[], tuple[Reconciliation, Judged]]:
    """Read both sides; what went wrong is raised when the result is asked for, so that the audit has it."""
    try:
        read = _read(found)
    except Refused as error:
        refusal = error

        def fail() -> tuple[Reconciliation, Judged]:
            raise refusal

        return fail
    return lambda: read


def _read(found: Row) -> tuple[Reconciliation, Judged]:
    defined = reconciliations.find(found.reconciliation)
    if defined is None:
        raise NoCode(f"This console does not have the code of the reconciliation {found.reconciliation}.")
    if not (defined.expected.looks_up and defined.seen.looks_up):
        raise CannotLook("A side cannot be asked for single keys, so nothing is known but what the last look found.")
    read = reading.read(defined, [found.key])
    if read.unread:
        raise CannotLook(next(iter(read.unread.values())))
    judged = judge(defined, read.pairs[0])
    if judged.error:
        raise CannotLook(f"The definition failed on this key: {judged.error}")
    observing.observe(defined, [judged], at=read.at)
    found.refresh_from_db()
    return defined, judged


def propose(defined: Reconciliation, found: Row, judged: Judged, repair: str) -> Proposal:
    """Return the dry run of a finding's next repair; raises ``NoRepair`` and ``RepairBroken``."""
    key = proposing.repair_key(found.reconciliation, found.key, rows.value(found), number=found.id)
    return proposing.propose(defined, judged, repair, key=key)
