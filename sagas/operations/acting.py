"""What an operator does to a saga: previewed, with a reason, and only on the state that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from reliability import access, audit, live
from reliability.kernel.errors import Refused
from sagas import definitions
from sagas.domain import acts, deciding, folding, previewing
from sagas.domain.acts import Act, Command
from sagas.domain.previewing import Preview
from sagas.domain.state import Saga
from sagas.operations import claims, journal, waking
from sagas.queries import histories

ACT = "sagas.act"


class Changed(Refused):
    """The saga has changed since it was looked at."""

    code = "saga-changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A saga after an act, and the number of the entry that it made."""

    saga: Saga
    entry: int


def preview(saga_id: UUID, command: Command, *, actor: access.Actor) -> tuple[Saga, Preview]:
    """Return the saga and what the act would lead to; changes nothing.

    Raises ``access.Denied``, ``NoSuchSaga`` and ``acts.CannotNow``.
    """
    access.admit(actor, ACT)
    saga = histories.load(saga_id)
    return saga, previewing.preview(saga, _with_timeout(saga, command), now=histories.database_now())


def act(saga_id: UUID, command: Command, *, expected_version: int, actor: access.Actor, reason: str) -> Done:
    """Write the act down, if the saga still has ``expected_version`` entries; the engine goes on from there.

    Raises ``access.Denied``, ``NoSuchSaga``, ``Changed``, ``acts.CannotNow`` and what ``audit.action`` raises.
    """
    facts = {"act": str(command.act)}
    with audit.action(ACT, actor=actor, target=f"saga:{saga_id}", reason=reason, facts=facts) as entry:
        return act_within(entry, saga_id, command, expected_version=expected_version)


def act_within(entry: audit.Draft, saga_id: UUID, command: Command, *, expected_version: int) -> Done:
    """Do the same inside the transaction of an act that is on record as ``entry``, by its actor and for its reason.

    Raises ``NoSuchSaga``, ``Changed`` and ``acts.CannotNow``.
    """
    entry.target = f"saga:{saga_id}"
    entry.facts |= {"act": str(command.act)}
    locked = claims.lock(saga_id)
    if locked is None:
        raise histories.NoSuchSaga(f"There is no saga {saga_id}.")
    saga = histories.load(saga_id)
    entry.target = f"saga:{saga.definition}/{saga.key}"
    entry.facts |= {"saga": str(saga_id), "was": str(saga.status)}
    if saga.version != expected_version:
        raise Changed(_what_changed(saga, expected_version))
    now = histories.database_now()
    made = acts.event(saga, _with_timeout(saga, command), actor=entry.actor.name, reason=entry.reason, now=now)
    after = folding.apply(saga, made)
    look_at = deciding.due_at(after, now=now)
    journal.append(after, [made], fence=locked[0], look_at=look_at, new_fence=True)
    entry.facts |= {"step": made.step, "status": str(after.status), "version": after.version}
    if command.act is Act.EDIT:
        entry.facts |= {"set": sorted(made.data["set"]), "unset": sorted(made.data["unset"])}
    transaction.on_commit(waking.wake, robust=True)
    live.changed("sagas")
    live.changed(f"saga:{saga_id}")
    return Done(saga=after, entry=after.version)


def _with_timeout(saga: Saga, command: Command) -> Command:
    """A resumed saga gets the time of its definition anew; without the definition it has no deadline."""
    definition = definitions.find(saga.definition, saga.definition_version)
    if command.act is not Act.RESUME or definition is None:
        return command
    return Command(act=command.act, step=command.step, timeout=definition.timeout)


def _what_changed(saga: Saga, expected: int) -> str:
    newest = [event for number, event in histories.events(UUID(saga.id), after=expected) if number <= saga.version][:3]
    told = ", ".join(f"{event.kind} {event.step}".strip() for event in newest)
    if not told or expected < 1:
        return f"The saga has version {saga.version}, and the act names another one; look again."
    return f"The saga has changed since you looked at it ({told}); look again."
