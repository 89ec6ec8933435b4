"""A worker: some slots that each go on with one saga at a time, and a keeper that lengthens their leases."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from typing import Final
from uuid import uuid4

import structlog
from django.db import DatabaseError, InterfaceError, connections

from reliability.kernel import clock
from sagas import definitions
from sagas.engine.running import LEASE_S, Runner
from sagas.operations import claims
from sagas.operations.claims import Held

log = structlog.get_logger(__name__)

SLOTS: Final = 3  # with four tasks beside it, and the keeper, what a worker's pool of connections holds
KEEP_EVERY_S: Final = 3.0  # three chances before a lease of ten seconds is over
POSTPONE_S: Final = 30.0
IDLE_S: Final = 0.2


class Keeper:
    """Knows what runs in this process and lengthens its leases; a process that stands still lengthens none."""

    def __init__(self) -> None:
        self._held: dict[int, Held] = {}
        self._lock = threading.Lock()

    def hold(self, held: Held | None) -> None:
        """Say what runs in the calling thread now."""
        with self._lock:
            if held is None:
                self._held.pop(threading.get_ident(), None)
            else:
                self._held[threading.get_ident()] = held

    def keep(self) -> None:
        """Lengthen every lease once. A failure is left: the next time comes before the leases are over."""
        with self._lock:
            held = list(self._held.values())
        if not held:
            return
        try:
            claims.keep(held, lease_s=LEASE_S)
        except (DatabaseError, InterfaceError) as error:
            connections.close_all()
            log.warning("leases_not_kept", count=len(held), error=str(error))


class Worker:
    """Goes on with what is due until ``stop`` says so or, with ``stay_s``, until the time is up or nothing is due."""

    def __init__(
        self,
        *,
        stop: Callable[[], bool] = lambda: False,
        slots: int = SLOTS,
        stay_s: float | None = None,
        time: clock.Clock = clock.SYSTEM,
    ) -> None:
        self._stop, self._slots, self._stay_s, self._time = stop, slots, stay_s, time
        self._name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:6]}"
        self._keeper = Keeper()
        self._ended = threading.Event()
        self._count = 0
        self._counting = threading.Lock()

    def run(self) -> int:
        """Work; return how many sagas were gone on with."""
        self._until_s = self._time.monotonic() + self._stay_s if self._stay_s is not None else None
        slots = [threading.Thread(target=self._slot, name=f"saga-{number}") for number in range(self._slots)]
        keeper = threading.Thread(target=self._keep, name="saga-keeper", daemon=True)
        keeper.start()
        for slot in slots:
            slot.start()
        for slot in slots:
            slot.join()
        self._ended.set()
        keeper.join()
        return self._count

    def _over(self) -> bool:
        return self._stop() or (self._until_s is not None and self._time.monotonic() >= self._until_s)

    def _slot(self) -> None:
        try:
            while not self._over():
                if not self._one():
                    if self._until_s is not None:
                        return
                    self._time.sleep(IDLE_S)
        finally:
            connections.close_all()

    def _one(self) -> bool:
        """Go on with one saga; False when none is due. One that fails is left to its lease, and to the next claim."""
        try:
            claim = claims.claim(worker=self._name, lease_s=LEASE_S, known=known())
        except (DatabaseError, InterfaceError) as error:
            connections.close_all()
            log.warning("claim_failed", error=str(error))
            self._time.sleep(1.0)
            return False
        if claim is None:
            return False
        try:
            Runner(claim, holding=self._keeper.hold).run()
        except Exception:  # one saga's trouble is not the others'
            log.exception("saga_failed", saga=str(claim.id))
            connections.close_all()
        with self._counting:
            self._count += 1
        return True

    def _keep(self) -> None:
        try:
            while not self._ended.wait(KEEP_EVERY_S):
                self._keeper.keep()
        finally:
            connections.close_all()


def known() -> list[tuple[str, int]]:
    """Return name and version of the definitions that this process has the code of."""
    return [(each.name, each.version) for each in definitions.known()]


def run(*, stay_s: float = 30.0, slots: int = SLOTS) -> int:
    """Go on with every saga that is due, until none is or the time is up; return with how many.

    For a process or a test of one's own; Celery workers do the same by the task ``sagas.run``.
    """
    return Worker(stay_s=stay_s, slots=slots).run()
