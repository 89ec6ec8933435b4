"""Steps whose ends a test decides, and a ledger of what they did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

import sagas
from sagas import definitions
from sagas.domain.definition import Definition, Work
from sagas.domain.history import Event
from sagas.domain.state import Saga as State
from sagas.engine.running import LEASE_S, Runner
from sagas.engine.working import known
from sagas.models import Saga
from sagas.operations import claims
from sagas.queries import histories

Effect = Callable[[Mapping[str, Any], str], Mapping[str, Any] | bool | None]


class Shop:
    """Calls in order with their keys; ``then`` says what a call does besides: raise, return, steal the claim."""

    MINUTE = timedelta(minutes=1)

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.keys: list[str] = []
        self._then: dict[str, list[Effect]] = {}

    def work(self, name: str) -> Work:
        """A step's function."""

        def do(data: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
            self.calls.append(name)
            self.keys.append(key)
            effects = self._then.get(name)
            return effects.pop(0)(data, key) if effects else None  # type: ignore[return-value]

        return do

    def local(self, name: str) -> Work:
        """A step's function whose effect is in the database."""
        told = self.work(name)

        def do(data: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO test_sagas_ledger VALUES (%s)", [key])
            return told(data, key)

        return do

    def then(self, name: str, *effects: Effect) -> None:
        """The next calls of ``name`` do these, in this order."""
        self._then.setdefault(name, []).extend(effects)

    def ledger(self) -> list[str]:
        """The keys of local effects."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT key FROM test_sagas_ledger ORDER BY key")
            return [key for (key,) in cursor.fetchall()]

    def order(self, *, version: int = 1, **charge: Any) -> Definition:
        """Reserve (local), charge, then only forward: ship."""
        quick = sagas.retry(3, base=sagas.seconds(0.001))
        return sagas.saga(
            "order",
            version=version,
            steps=[
                sagas.step("reserve", do=self.local("reserve"), undo=self.local("release"), local=True, retry=quick),
                sagas.step("charge", do=self.work("charge"), undo=self.work("refund"), **({"retry": quick} | charge)),
                sagas.pivot(),
                sagas.step("ship", do=self.work("ship"), retry=quick),
            ],
        )


@contextmanager
def opened() -> Iterator[Shop]:
    """A shop with an empty ledger; definitions made meanwhile are forgotten."""
    before = dict(definitions._KNOWN)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS test_sagas_ledger (key text NOT NULL)")
        cursor.execute("TRUNCATE test_sagas_ledger")
    try:
        yield Shop()
    finally:
        definitions._KNOWN.clear()
        definitions._KNOWN.update(before)


def raising(error: Exception) -> Effect:
    """An effect that raises."""

    def effect(data: Mapping[str, Any], key: str) -> None:
        raise error

    return effect


def start(definition: Definition, key: str = "o1", data: Mapping[str, Any] | None = None) -> UUID:
    """Start a saga in a transaction of its own."""
    with transaction.atomic():
        return sagas.start(definition, key=key, data=data)


def claim() -> claims.Claim | None:
    """Claim what is due."""
    return claims.claim(worker="w1", lease_s=LEASE_S, known=known())


def run() -> int:
    """Go on with whatever is due, until nothing is; tries that wait are not waited for."""
    count = 0
    while (claimed := claim()) is not None:
        Runner(claimed, dice=lambda: 0.0).run()
        count += 1
    return count


def due_now() -> None:
    """Let the time of every wait and every lease be over."""
    Saga.objects.exclude(look_at=None).update(look_at=histories.database_now())


def state(saga_id: UUID) -> State:
    """What the history says, read from its beginning."""
    return histories.load(saga_id, whole=True)


def history(saga_id: UUID) -> list[Event]:
    """The entries."""
    return [event for _, event in histories.events(saga_id)]
