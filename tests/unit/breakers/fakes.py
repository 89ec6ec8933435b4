"""A guard's partner that a test moves, and breakers on it."""

from __future__ import annotations

from reliability.breakers.domain.machine import Breaker as Machine
from reliability.breakers.domain.machine import Outcome, Override, State
from reliability.breakers.domain.rules import Rules
from reliability.breakers.domain.standing import standing
from reliability.breakers.guard.around import Breaker
from reliability.breakers.guard.guard import Guard
from reliability.breakers.stores.fleet import Permit


class Speaker:
    """Whom a guard speaks with: it gives the permits that a test has put here, and notes what it is told."""

    def __init__(self) -> None:
        self.permits: list[Permit] = []
        self.reports: list[tuple[Permit, Outcome | None]] = []
        self.asked = 0

    def begin(self, guard: Guard) -> None:
        guard.started = True

    def permit(self, guard: Guard) -> Permit | None:
        self.asked += 1
        return self.permits.pop() if self.permits else None

    def report(self, guard: Guard, permit: Permit, outcome: Outcome | None) -> None:
        self.reports.append((permit, outcome))

    def alarm(self) -> None:
        pass


class Fleet:
    """One breaker as the fleet has it; its dice never let a call of a ramp pass."""

    def __init__(self, name: str = "payments") -> None:
        self.speaker = Speaker()
        self.gen = 1
        self.breaker = Breaker(Guard(name, Rules(jitter=0.0), self.speaker, dice=lambda: 0.999))
        self.closed()

    def closed(self) -> None:
        self._is(State.CLOSED)

    def opened(self, for_s: float = 15.0, reason: str = "5 of 5 calls failed") -> None:
        self._is(State.OPEN, open_until=self.breaker.guard.now() + for_s, reason=reason)

    def half_open(self, *permits: str) -> None:
        self.speaker.permits = [Permit(permit, self.gen + 1) for permit in permits]
        self._is(State.HALF_OPEN)

    def full(self, deadline_s: float = 10.0) -> None:
        """All permits of a half-open breaker are given away."""
        deadline = self.breaker.guard.now() + deadline_s
        self._is(State.HALF_OPEN, permits={"a": deadline, "b": deadline, "c": deadline})

    def recovering(self, since_s: float = 0.0) -> None:
        self._is(State.RECOVERING, since=self.breaker.guard.now() - since_s)

    def forced_open(self, for_s: float = 600.0) -> None:
        until = self.breaker.guard.now() + for_s
        self._is(State.CLOSED, override=Override.FORCED_OPEN, override_until=until)

    def _is(self, state: State, **fields: object) -> None:
        self.gen += 1
        guard = self.breaker.guard
        machine = Machine(state=state, gen=self.gen, **{"since": guard.now(), **fields})  # type: ignore[arg-type]
        guard.stand(standing(machine, Machine(), guard.rules, reachable=True, now=guard.now()), self.gen, guard.offset)
