"""Doing what a repair consists of, inside the transaction in which the repair is written down."""

from __future__ import annotations

from uuid import UUID

import orjson
from django.db import connection, transaction

import outbox
from reliability.kernel.errors import Refused
from sagas import definitions
from sagas.domain import acts, deciding, folding
from sagas.domain.acts import Act
from sagas.domain.reconciling.commands import ActOnSaga, AppendEvent, Command, StartSaga, TellSaga
from sagas.operations import claims, journal, signals, starting, waking
from sagas.queries import histories

_FIND = "SELECT id FROM sagas_saga WHERE definition = %s AND key = %s"


class CannotDo(Refused):
    """A part of the repair cannot be done."""

    code = "repair-impossible"


def execute(command: Command, *, actor: str, reason: str) -> str:
    """Do one command and say in a sentence what became of it.

    Raises ``CannotDo``, ``acts.CannotNow`` and what starting, telling and appending raise.
    """
    match command:
        case StartSaga():
            return _start(command)
        case TellSaga():
            told = signals.tell(
                command.definition,
                key=command.key,
                event=command.event,
                event_id=command.event_id,
                payload=command.payload,
            )
            return {
                signals.Told.TAKEN: "The saga waited for it and goes on.",
                signals.Told.KEPT: "The saga does not wait for it yet; it is kept for it.",
                signals.Told.TWICE: "The saga had been told of it before.",
            }[told]
        case ActOnSaga():
            return _act(command, actor=actor, reason=reason)
        case AppendEvent():
            outbox.append(
                topic=command.topic,
                key=command.key.encode(),
                value=orjson.dumps(dict(command.value)),
                headers=[("content-type", b"application/json")],
                event_type=command.event_type,
            )
            return "It is in the outbox."


def _start(command: StartSaga) -> str:
    definition = definitions.find(command.definition, command.version)
    if definition is None:
        raise CannotDo(f"This process does not have the code of the saga {command.definition} {command.version}.")
    saga_id = starting.start(definition, key=command.key, data=command.data)
    return f"Saga {saga_id}."


def _act(command: ActOnSaga, *, actor: str, reason: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [command.definition, command.key])
        found = cursor.fetchone()
    locked = claims.lock(UUID(str(found[0]))) if found else None
    if found is None or locked is None:
        raise CannotDo(f"There is no saga {command.definition} of {command.key}.")
    saga = histories.load(found[0])
    now = histories.database_now()
    asked = acts.Command(act=command.act, step=acts.resumable(saga) if command.act is Act.RESUME else "")
    made = acts.event(saga, asked, actor=actor, reason=reason, now=now)
    after = folding.apply(saga, made)
    journal.append(after, [made], fence=locked[0], look_at=deciding.due_at(after, now=now), new_fence=True)
    transaction.on_commit(waking.wake, robust=True)
    return f"Saga {saga.id}: {after.status}."
