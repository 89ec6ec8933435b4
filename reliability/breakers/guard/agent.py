"""The thread of a process that speaks with the fleet, so that no call has to."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Final
from uuid import uuid4

import orjson
import structlog

from reliability.breakers.domain.evidence import HostCounts
from reliability.breakers.domain.machine import Breaker, Outcome
from reliability.breakers.domain.rules import WrongRules
from reliability.breakers.domain.standing import Decider
from reliability.breakers.guard import declaring
from reliability.breakers.guard.guard import Guard
from reliability.breakers.guard.probing import Probing
from reliability.breakers.guard.pulse import Listen, Pulse
from reliability.breakers.guard.side import Side
from reliability.breakers.stores.fleet import Contended, Fleet, Permit
from reliability.breakers.stores.port import Kept, Told, Unreachable
from reliability.kernel import clock
from reliability.kernel.dice import CHANCE

log = structlog.get_logger(__name__)

BEAT_EVERY_S: Final = 1.0
QUIET_S: Final = 1.0
"""So long nothing is asked after something had no answer."""
BEGIN_WITHIN_S: Final = 1.0

Truth = Callable[[Sequence[str]], Mapping[str, Breaker]]


def nothing_known(names: Sequence[str]) -> Mapping[str, Breaker]:
    """Return no breaker: there is nobody else to ask."""
    return {}


class Agent:
    """Keeps the guards of a process true. Its methods raise nothing and take a bounded time.

    ``truth`` is asked for what the fleet's store does not know; ``listen`` calls back with the names of breakers that
    have moved until it is told to end. Both run in threads of the agent's own.
    """

    def __init__(
        self,
        fleet: Fleet,
        host: str,
        *,
        said: Mapping[str, object] | None = None,
        truth: Truth = nothing_known,
        listen: Listen | None = None,
        dice: Callable[[], float] = CHANCE,
    ) -> None:
        self._fleet, self._host, self._said = fleet, host, dict(said or {})
        self._truth, self._dice = truth, dice
        self._sides: dict[str, Side] = {}
        self._pulse = Pulse(self.look, self.moved, listen)
        self.renew()

    def renew(self) -> None:
        """Begin anew in a process that was forked: no thread, no lock and no count of the parent's is this one's."""
        self._lock = threading.RLock()
        self._pulse.renew()
        self._probing = Probing()
        self._quiet_until_s = 0.0
        self.reachable = True
        self._revision = -1
        self._beat_at_s = 0.0
        self._fresh: set[str] = set()
        self._ready: dict[str, threading.Event] = {}
        self.process = f"{self._host}:{os.getpid()}:{uuid4().hex[:6]}"
        for name, side in self._sides.items():
            side.guard.renew()
            self._sides[name] = Side(side.guard, side.fleet)  # what is known stays known, whoever can be asked

    def begin(self, guard: Guard) -> None:
        """Find out what holds, at the first call in a process."""
        with self._lock:
            if guard.started:
                return
            self._sides.setdefault(guard.name, Side(guard))
            self._fresh.add(guard.name)
            ready = self._ready.setdefault(guard.name, threading.Event())
            is_looked_after = self._started()
        self._pulse.wake()
        if not (is_looked_after and ready.wait(BEGIN_WITHIN_S)):
            with self._lock:  # whoever looks does not get to it: calls go on by what is known here
                self._sides[guard.name].left_alone()
                self._sides[guard.name].settle(random=self._dice())
                guard.started, guard.free = is_looked_after, guard.free and is_looked_after

    def permit(self, guard: Guard) -> Permit | None:
        """Ask to try one call: the fleet, or this process's own breaker where that one decides."""
        try:
            return self._permit(guard)
        except Exception:  # a fault of ours is no reason for the caller's call to break: it is not made
            log.exception("breaker_permit_failed", name=guard.name)
            return None

    def _permit(self, guard: Guard) -> Permit | None:
        permit, side = uuid4().hex[:12], self._sides[guard.name]
        if self._decides(side):
            try:
                kept, given = self._fleet.permit(guard.name, permit, guard.rules)
            except Contended:
                return None
            except Unreachable as error:
                self._lost(error)
            else:
                self._heard(side, kept)
                return given
        with self._lock:
            given = side.permit(permit, random=self._dice())
            side.settle(random=self._dice())
        return given

    def report(self, guard: Guard, permit: Permit, outcome: Outcome | None) -> None:
        """Tell how a probe ended: to whoever gave the permit. Else it counts as lost when its time is over."""
        try:
            self._report(guard, permit, outcome)
        except Exception:
            log.exception("breaker_report_failed", name=guard.name)

    def _report(self, guard: Guard, permit: Permit, outcome: Outcome | None) -> None:
        side = self._sides[guard.name]
        with self._lock:
            is_ours = permit.id in side.local.permits
            if is_ours:
                side.report(permit, outcome, random=self._dice())
                side.settle(random=self._dice())
        if is_ours or monotonic() < self._quiet_until_s:
            return
        try:
            self._heard(side, self._fleet.report(guard.name, permit, outcome, guard.rules))
        except Contended as error:  # its time will be over, and it counts as failed: the safe side
            log.warning("breakers_probe_untold", name=guard.name, error=str(error))
        except Unreachable as error:
            self._lost(error)

    def alarm(self) -> None:
        """A call failed: what is counted is told soon."""
        self._pulse.wake()

    def moved(self, name: str) -> None:
        """A breaker has moved: look at it."""
        with self._lock:
            if name in self._sides:
                self._fresh.add(name)
        self._pulse.wake()

    def stop(self) -> None:
        """Tell what is counted and end. A process that ends otherwise keeps what it counted since its last look."""
        self._pulse.stop()

    def look(self) -> None:
        """Tell what is counted, hear how the breakers stand, and have the guards go by it."""
        with self._lock:
            sides, fresh = dict(self._sides), self._fresh
            self._fresh = set()
            told = [each for side in sides.values() for each in side.taken()]
            heard_of = {each.name for each in told}
            told += [side.asking() for name, side in sides.items() if side.is_restless and name not in heard_of]
        if monotonic() >= self._quiet_until_s:
            try:
                self._speak(sides, told, fresh)
            except Unreachable as error:
                self._lost(error)
        if not self.reachable:
            self._learn(fresh)
        self._settle(sides, fresh)
        self._probing.look([side.guard for side in sides.values() if side.guard.started])

    def _speak(self, sides: Mapping[str, Side], told: Sequence[Told], fresh: set[str]) -> None:
        """All that is asked of the store at one look; raises ``Unreachable``."""
        guards = [side.guard for side in sides.values()]
        asks = bool(fresh) or monotonic() >= self._beat_at_s
        declared = declaring.hear(self._fleet.store, guards) if asks else set()
        heard = self._fleet.tell(self._host, told, {name: side.guard.rules for name, side in sides.items()})
        lost = {name for name, judged in heard.items() if not self._heard(sides[name], judged.kept, judged.own)}
        unseen, moved = (fresh - heard.keys()) | lost, fresh | declared
        if monotonic() >= self._beat_at_s:
            revision = self._fleet.store.beat(self.process, self._presence(sides), *declaring.said(guards))
            self._beat_at_s = monotonic() + BEAT_EVERY_S * (0.75 + self._dice() / 2)
            if revision != self._revision:  # something moved, or the store lost what it knew
                self._revision, unseen, moved = revision, unseen | (sides.keys() - heard.keys()), set(sides)
        if unseen:
            for name, kept in self._fleet.read(sorted(unseen)).items():
                self._heard(sides[name], self._restored(name, sides[name], kept))
        if moved:
            self._follow(sides, self._fleet.store.changes(sorted(moved)))
        self._found()

    def _follow(self, sides: Mapping[str, Side], changes: Mapping[str, str]) -> None:
        """Go by what a person has changed of the rules; what cannot be read is the rules that the code has."""
        for name, text in changes.items():
            guard = sides[name].guard
            try:
                rules = guard.declared.with_changes(orjson.loads(text)) if text else guard.declared
            except (ValueError, AttributeError, WrongRules) as error:
                log.warning("breakers_rules_unreadable", name=name, error=str(error))
                rules = guard.declared
            with self._lock:
                sides[name].follow(rules)

    def _restored(self, name: str, side: Side, kept: Kept) -> Kept:
        """Put back what the store has lost and this process knows, or whoever writes history down."""
        known = side.fleet
        if kept.text == "" and known.gen == 1:
            known = self._asked([name]).get(name, known)
        gen = kept.breaker.gen if kept.breaker is not None else 1
        return self._fleet.restore(name, known) if known.gen > gen else kept

    def _asked(self, names: Sequence[str]) -> Mapping[str, Breaker]:
        try:
            return self._truth(names)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a database must not reach the calls
            log.warning("breakers_history_unread", names=list(names), error=str(error))
            return {}

    def _heard(self, side: Side, kept: Kept, own: HostCounts | None = None) -> bool:
        """Go by what the store says; False when it has lost what is known here, which then stays and is put back."""
        gen = kept.breaker.gen if kept.breaker is not None else 1
        with self._lock:
            if gen < side.fleet.gen:
                self._fresh.add(side.guard.name)
                self._pulse.wake()
                return False
            side.hear(kept, own)
            side.settle(random=self._dice())
            return True

    def _found(self) -> None:
        """All that was asked was answered: the fleet decides again."""
        with self._lock:
            if not self.reachable:
                log.info("breakers_store_back")
            self.reachable = True
            for side in self._sides.values():
                side.rejoined()

    def _lost(self, error: Unreachable) -> None:
        """Nothing is heard: every breaker goes on alone from what it was."""
        with self._lock:
            self._quiet_until_s = monotonic() + QUIET_S
            is_news, self.reachable = self.reachable, False
            for side in self._sides.values():
                side.left_alone()
                side.settle(random=self._dice())
        if is_news:
            log.warning("breakers_store_lost", error=str(error))

    def _learn(self, names: set[str]) -> None:
        """Find out from what is written down how those are that this process has never heard of."""
        unheard = [name for name in names if self._sides[name].fleet.gen == 1]
        known = self._asked(unheard) if unheard else {}
        with self._lock:
            for name in names:
                side = self._sides[name]
                side.left_alone()
                if name in known:
                    side.guard.offset = side.guard.offset or clock.SYSTEM.now().timestamp() - monotonic()
                    side.learn(known[name])

    def _settle(self, sides: Mapping[str, Side], fresh: set[str]) -> None:
        """Do what time brings; who waits at the first call goes on."""
        with self._lock:
            for side in sides.values():
                side.settle(random=self._dice())
            for name in fresh:
                sides[name].guard.started = True
                ready = self._ready.pop(name, None)
                if ready is not None:
                    ready.set()

    def _decides(self, side: Side) -> bool:
        """Whether the fleet decides, and can be asked."""
        return side.guard.standing.decider is Decider.FLEET and monotonic() >= self._quiet_until_s

    def _presence(self, sides: Mapping[str, Side]) -> str:
        facts = {
            "host": self._host,
            "pid": os.getpid(),
            "gens": {name: side.guard.tally.gen for name, side in sides.items()},
            "apart": {
                name: side.guard.standing.decider
                for name, side in sides.items()
                if side.guard.standing.decider is not Decider.FLEET
            },
        }
        return orjson.dumps({**self._said, **facts}).decode()

    def _started(self) -> bool:
        return self._pulse.started()
