"""One saga, from its claim to its rest: decide, write down, do, write down."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import structlog
from django.db import connection, transaction

from reliability import live
from reliability.kernel import failpoint
from reliability.kernel.telemetry import tracing
from sagas import definitions
from sagas.domain import codec, deciding, folding, settling
from sagas.domain.deciding import Act, Ask, Await, Expire, Finish, Park, Recover, Run, Turn
from sagas.domain.definition import Step, Wait, Work, nothing
from sagas.domain.history import Event, Kind, Outcome, Side
from sagas.domain.moves import IllegalEvent
from sagas.domain.settling import Ended
from sagas.domain.state import Effect, Parked, Saga
from sagas.engine import calling, reaching
from sagas.engine.timing import DatabaseTime
from sagas.operations import claims, journal, lateness, signals
from sagas.operations.claims import Claim, Held
from sagas.queries import histories

log = structlog.get_logger(__name__)

LEASE_S: Final = 10.0  # a dead worker's sagas are taken over after this; a live one lengthens it
CLAIMS_MAX: Final = 10  # claims that wrote nothing down: each of them probably killed its process


class FenceLost(Exception):
    """Somebody else goes on with the saga: a person, or a worker who took this one for dead."""


class Answer(NamedTuple):
    """The end of a try that is done and not written down yet."""

    act: Run
    ended: Ended


class Runner:
    """Goes on with one claimed saga until it sleeps, rests or is lost.

    ``holding`` is told what runs now, and None when nothing does.
    """

    def __init__(
        self,
        claim: Claim,
        *,
        holding: Callable[[Held | None], None] = lambda held: None,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._claim, self._worker, self._holding, self._dice = claim, claim.worker, holding, dice
        self._time = DatabaseTime(claim.at)
        self._pending: list[Event] = []
        self._answer: Answer | None = None

    def run(self) -> None:
        """Go on until nothing is due. What is lost to somebody else is left to them; a late answer is kept."""
        saga = histories.load(self._claim.id, whole=self._claim.version < journal.SNAPSHOT_EVERY)
        definition = definitions.find(saga.definition, saga.definition_version)
        if definition is None:  # the code went away between claim and now
            return
        self._saga, self._definition = saga, definition
        try:
            if self._claim.claims > CLAIMS_MAX:
                self._note(_parked(saga, self._claim.claims, self._time.now()))
            self._go_on()
        except FenceLost:
            log.info("saga_lost", saga=saga.id, fence=self._claim.fence)
            if self._answer is not None:
                lateness.keep(self._claim.id, self._answer.act, self._answer.ended)
        finally:
            self._holding(None)
            live.changed("sagas")
            live.changed(f"saga:{self._claim.id}")

    def _go_on(self) -> None:
        while True:
            act = deciding.decide(self._saga, now=self._time.now())
            if isinstance(act, Run):
                self._run(act)
            elif isinstance(act, Ask):
                self._ask(act)
            elif isinstance(act, deciding.Rest | deciding.Sleep):
                self._write(look_at=act.until if isinstance(act, deciding.Sleep) else None)
                return
            else:
                self._note(self._entry(act))
                if isinstance(act, Await):
                    self._begin_to_wait()

    def _run(self, act: Run) -> None:
        step = self._step(act.step.name)
        work = step.do if act.side is Side.DO else step.undo or nothing
        if step.local:
            self._run_locally(act, step, work)
            return
        until = self._time.now() + step.timeout
        self._note(settling.attempted(act, now=self._time.now(), until=until, trace=tracing.current_trace_id() or ""))
        self._write(look_at=self._lease(until), worker=self._worker)
        failpoint.reach("saga.intended")
        with self._held(until):
            ended = calling.call(work, self._saga.data, act.key)
        failpoint.reach("saga.done")
        self._answer = Answer(act, ended)
        now = self._time.now()
        self._note(settling.settled(self._saga, act, ended, step, now=now, random=self._dice))

    def _run_locally(self, act: Run, step: Step, work: Work) -> None:
        """Effect and entry in one transaction: both, or neither."""
        self._flush()
        before = self._saga.version
        try:
            with self._held(self._time.now() + step.timeout), transaction.atomic():
                _limit_statements(step.timeout)
                ended = Ended(outcome=Outcome.SUCCEEDED, result=codec.checked_result(work(self._saga.data, act.key)))
                failpoint.reach("saga.local")
                self._note(settling.settled(self._saga, act, ended, step, now=self._time.now(), random=self._dice))
                self._write(look_at=self._lease(), worker=self._worker)
        except FenceLost:
            raise
        except Exception as error:  # noqa: BLE001 - the edge to the user's code: rolled back, then tried again or given up
            self._pending = []
            self._saga = histories.load(self._claim.id)
            if self._saga.version > before and self._is_done(act):  # the connection was lost after the commit
                return
            if not claims.stands_at(self._claim, version=self._saga.version):
                raise FenceLost from None
            ended = calling.failed(error, act.key)
            self._note(settling.settled(self._saga, act, ended, step, now=self._time.now(), random=self._dice))

    def _ask(self, act: Ask) -> None:
        step = self._step(act.step.name)
        self._flush()
        ended = Ended(outcome=Outcome.UNKNOWN, error="this version of the step has no probe")
        if step.probe is not None:
            with self._held(self._time.now() + step.timeout):
                ended = calling.ask(step.probe, self._saga.data, act.key)
        self._note(settling.probed(self._saga, act, ended, step, now=self._time.now(), random=self._dice))

    @contextmanager
    def _held(self, until: datetime) -> Iterator[None]:
        """Have the lease lengthened while a function of the user runs, until ``until`` at most."""
        self._holding(Held(id=self._claim.id, fence=self._claim.fence, worker=self._worker, until=until))
        try:
            yield
        finally:
            self._holding(None)

    def _begin_to_wait(self) -> None:
        """Write down that it waits, and take an event that came before."""
        with transaction.atomic():
            signals.serialise(self._saga.definition, self._saga.key)
            self._write(look_at=self._lease(), worker=self._worker)
            arrived = signals.take(self._saga, now=self._time.now())
            if arrived is not None:
                self._note(arrived)
                self._write(look_at=self._lease(), worker=self._worker)
        self._answer = None

    def _entry(self, act: Act) -> Event:
        now = self._time.now()
        if isinstance(act, Recover):
            return settling.recovered(self._saga, act, self._step(act.step.name), now=now, random=self._dice)
        if isinstance(act, Await):
            wait = self._definition.step(act.step.name)
            deadline = wait.deadline if isinstance(wait, Wait) else timedelta(0)
            return Event(kind=Kind.AWAITED, at=now, step=act.step.name, data={"due": (now + deadline).isoformat()})
        if isinstance(act, Expire):
            return Event(kind=Kind.EXPIRED, at=now, step=act.step.name)
        if isinstance(act, Turn):
            return Event(kind=Kind.TURNED, at=now, data={"reason": act.reason})
        if isinstance(act, Park):
            return Event(kind=Kind.PARKED, at=now, data={"code": str(act.code), "reason": act.reason})
        if isinstance(act, Finish):
            return Event(kind=act.kind, at=now)
        raise TypeError(f"{act} is written down elsewhere")

    def _note(self, event: Event) -> None:
        self._saga = folding.apply(self._saga, event)
        self._pending.append(event)

    def _flush(self) -> None:
        if self._pending:
            self._write(look_at=self._lease(), worker=self._worker)

    def _write(self, *, look_at: datetime | None, worker: str = "") -> None:
        """Write down what is pending, or only when to look next; raises ``FenceLost``."""
        if connection.in_atomic_block:
            written = self._append(look_at, worker)
        else:
            written = reaching.surely(lambda: self._append(look_at, worker), self._is_written)
            self._answer = None if written else self._answer
        if not written:
            raise FenceLost
        self._pending = []
        failpoint.reach("saga.written")

    def _append(self, look_at: datetime | None, worker: str) -> bool:
        fence = self._claim.fence
        if not self._pending:
            return claims.put_off(self._claim, version=self._saga.version, look_at=look_at)

        def append() -> bool:
            return journal.append(
                self._saga, self._pending, fence=fence, look_at=look_at, worker=worker, holder=self._worker
            )

        return append() or (self._rebase() and append())

    def _rebase(self) -> bool:
        """Put what is pending behind an entry that came in between and left the saga ours: a late answer."""
        fresh = histories.load(self._claim.id)
        if not claims.stands_at(self._claim, version=fresh.version):
            return False
        try:
            for event in self._pending:
                fresh = folding.apply(fresh, event)
        except IllegalEvent:
            return False
        self._saga = fresh
        return True

    def _is_written(self) -> bool:
        """Whether a try to write, whose answer was lost with the connection, was carried out."""
        return bool(self._pending) and journal.has(
            self._claim.id, self._saga.version, self._pending[-1], fence=self._claim.fence
        )

    def _is_done(self, act: Run) -> bool:
        """Whether this claim's own entry says so; somebody else's is not what was rolled back here."""
        done = self._saga.state_of(act.step.name).side(act.side).effect is Effect.SUCCEEDED
        return done and claims.stands_at(self._claim, version=self._saga.version)

    def _lease(self, until: datetime | None = None) -> datetime:
        lease = self._time.now() + timedelta(seconds=LEASE_S)
        return min(lease, until) if until is not None else lease

    def _step(self, name: str) -> Step:
        step = self._definition.step(name)
        if not isinstance(step, Step):
            raise TypeError(f"{name} waits; it has nothing to do")
        return step


def _parked(saga: Saga, claims: int, now: datetime) -> Event:
    reason = f"{claims - 1} workers took it and wrote nothing down; each of them probably died of it"
    return Event(kind=Kind.PARKED, at=now, data={"code": str(Parked.CRASHES), "reason": reason})


def _limit_statements(timeout: timedelta) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(int(timeout.total_seconds() * 1000))])
