"""A saga in a small world of its own: what it asks for is done, or fails, as a test wants it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sagas.domain import deciding, folding, settling
from sagas.domain.deciding import Act, Ask, Await, Expire, Finish, Park, Recover, Rest, Run, Sleep, Turn
from sagas.domain.definition import Definition, Step, Wait, pivot, saga, step
from sagas.domain.history import Event, Kind, Outcome, Side, Why
from sagas.domain.policies import minutes, once, retry
from sagas.domain.state import Saga

START = datetime(2026, 1, 1, tzinfo=UTC)
DONE = settling.Ended(outcome=Outcome.SUCCEEDED)
BROKEN = settling.Ended(outcome=Outcome.FAILED, why=Why.PERMANENT, error="no such account")
HICCUP = settling.Ended(outcome=Outcome.FAILED, why=Why.TRANSIENT, error="connection reset")
LOST = settling.Ended(outcome=Outcome.UNKNOWN, why=Why.TIMEOUT, error="no answer in time")
NO = settling.Ended(outcome=Outcome.FAILED)
"""A probe's answer: it did not happen."""


def work(data: Mapping[str, Any], key: str) -> None:
    """A step's function that no test of the pure core calls."""


@dataclass
class World:
    """One saga, its history and its clock."""

    definition: Definition
    now: datetime = START
    history: list[Event] = field(default_factory=list)
    saga: Saga = None  # type: ignore[assignment]  # set at once
    data: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        started = Event(
            kind=Kind.STARTED,
            at=self.now,
            data={
                "definition": self.definition.name,
                "definition_version": self.definition.version,
                "key": "order-1",
                "plan": self.definition.plan.as_json(),
                "deadline": (self.now + self.definition.timeout).isoformat(),
                "data": dict(self.data),
            },
        )
        self.history.append(started)
        self.saga = folding.begin("s1", started)

    def write(self, event: Event) -> None:
        """Take an entry into the history; what follows from all of it is what follows from the last one."""
        self.saga = folding.apply(self.saga, event)
        self.history.append(event)

    def next(self) -> Act:
        """What the saga does next."""
        return deciding.decide(self.saga, now=self.now)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def attempt(self, act: Run) -> None:
        """Write the intent of a try down."""
        if not act.step.local:
            self.write(settling.attempted(act, now=self.now, until=self.now + timedelta(seconds=30)))

    def end(self, act: Run, ended: settling.Ended) -> None:
        """Write the end of a try down."""
        step = self.step(act.step.name)
        self.write(settling.settled(self.saga, act, ended, step, now=self.now, random=lambda: 0.5))

    def step(self, name: str) -> Step:
        """The definition of a step that does something."""
        step = self.definition.step(name)
        assert isinstance(step, Step)
        return step

    def take(self, act: Act, ended: settling.Ended = DONE) -> None:
        """Do what the saga asks for; a try or a probe ends as said."""
        if isinstance(act, Run):
            self.attempt(act)
            self.end(act, ended)
        elif isinstance(act, Ask):
            step = self.step(act.step.name)
            self.write(settling.probed(self.saga, act, ended, step, now=self.now, random=lambda: 0.5))
        elif isinstance(act, Recover):
            step = self.step(act.step.name)
            self.write(settling.recovered(self.saga, act, step, now=self.now, random=lambda: 0.5))
        elif isinstance(act, Sleep):
            self.now = max(self.now, act.until)
        else:
            self._other(act)

    def _other(self, act: Await | Expire | Turn | Park | Finish | Rest) -> None:
        if isinstance(act, Await):
            wait = self.definition.step(act.step.name)
            assert isinstance(wait, Wait)
            due = (self.now + wait.deadline).isoformat()
            self.write(Event(kind=Kind.AWAITED, at=self.now, step=act.step.name, data={"due": due}))
        elif isinstance(act, Expire):
            self.write(Event(kind=Kind.EXPIRED, at=self.now, step=act.step.name))
        elif isinstance(act, Turn):
            self.write(Event(kind=Kind.TURNED, at=self.now, data={"reason": act.reason}))
        elif isinstance(act, Park):
            self.write(Event(kind=Kind.PARKED, at=self.now, data={"code": act.code, "reason": act.reason}))
        elif isinstance(act, Finish):
            self.write(Event(kind=act.kind, at=self.now))

    def arrive(self, step: str, payload: object = None) -> None:
        """Let the event come that a step waits for."""
        self.write(Event(kind=Kind.ARRIVED, at=self.now, step=step, data={"payload": payload, "event_id": "e1"}))

    def late(self, act: Run, ended: settling.Ended) -> None:
        """Let the answer of an old try come."""
        self.write(settling.late(act, ended, now=self.now))

    def run_until(self, call: str) -> None:
        """Go on, all goes well, until this call is next."""
        while True:
            act = self.next()
            if isinstance(act, Run) and f"{act.side}:{act.step.name}" == call:
                return
            assert not isinstance(act, Rest)
            self.take(act)

    def run(self, *answers: tuple[str, settling.Ended], otherwise: settling.Ended = DONE) -> list[str]:
        """Go on until nothing happens by itself; return the calls made, in order, as ``do:charge``.

        ``answers``: how the next tries of a call end, in this order; all others end ``otherwise``.
        """
        left = list(answers)
        calls = []
        for _ in range(500):
            act = self.next()
            if isinstance(act, Rest):
                return calls
            ended = otherwise
            if isinstance(act, Run | Ask):
                name = f"{act.side if isinstance(act, Run) else 'probe'}:{act.step.name}"
                calls.append(name)
                found = next((each for each in left if each[0] == name), None)
                if found is not None:
                    left.remove(found)
                    ended = found[1]
            self.take(act, ended)
        raise AssertionError("it never comes to rest")


def side(act: Act) -> Side:
    """The side of a step that an act is about."""
    assert isinstance(act, Run | Ask | Recover)
    return act.side


def three(**charge: object) -> Definition:
    """Reserve, charge (as said), then only forward: ship."""
    return saga(
        "order",
        timeout=minutes(30),
        steps=[
            step("reserve", do=work, undo=work, retry=once()),
            step("charge", do=work, undo=work, **({"retry": retry(3), "undo_retry": retry(3)} | charge)),  # type: ignore[arg-type]
            pivot(),
            step("ship", do=work, retry=retry(3)),
        ],
    )
