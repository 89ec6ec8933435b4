"""One breaker in one process, around calls: a look at what holds, a clock, a count; nothing is asked of anybody."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any, Final, NoReturn, Protocol

from reliability.breakers.domain.machine import NEVER, Breaker, Outcome, Override, State
from reliability.breakers.domain.rules import Rules
from reliability.breakers.domain.standing import Decider, Standing
from reliability.breakers.guard import passes
from reliability.breakers.guard.errors import BreakerOpen
from reliability.breakers.guard.tally import Tally
from reliability.breakers.stores.fleet import Permit
from reliability.kernel.dice import CHANCE

ALL: Final = 100
SOON_S: Final = 1.0
"""When to ask again where nobody can say it better."""


class Speaker(Protocol):
    """Who speaks with the fleet for a guard. Nothing raises; what takes long takes a bounded time."""

    def begin(self, guard: Guard) -> None:
        """Find out what holds, at the first call in a process; from then on keep it true."""

    def permit(self, guard: Guard) -> Permit | None:
        """Ask to try one call."""

    def report(self, guard: Guard, permit: Permit, outcome: Outcome | None) -> None:
        """Tell how a probe ended; None: it says nothing."""

    def alarm(self) -> None:
        """Say that a call failed: what is counted is told soon."""


class Guard:
    """Decides whether a call passes, and counts how it ended; ``around`` lays it around calls.

    ``errors`` are the exceptions that count as failures: any other shows that there was an answer. ``failed`` looks at
    what a decorated function returned and says whether that is a failure.
    """

    __slots__ = (
        "_dice", "_errors", "_failed", "_speaker", "_until", "_why", "declared", "free", "is_declared", "name",
        "offset", "plain", "probe", "rules", "slow_s", "standing", "started", "tallies", "tally",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        rules: Rules,
        speaker: Speaker,
        *,
        errors: tuple[type[Exception], ...] = (Exception,),
        failed: Callable[[Any], bool] | None = None,
        is_declared: bool = True,
        dice: Callable[[], float] = CHANCE,
    ) -> None:
        """``is_declared``: these are the rules of its code; else it was only named here, and goes by the fleet's."""
        self.name, self._speaker, self._dice = name, speaker, dice
        self.probe: Callable[[], object] | None = None
        self.started = False
        self.free = False
        self.offset = 0.0
        self.standing = Standing(share=ALL, asks_from=NEVER, decider=Decider.ALONE, breaker=Breaker())
        self._until, self._why = 0.0, ""
        self.tally = Tally(0)
        self.tallies = [self.tally]
        self.declare(rules, errors, failed)
        self.is_declared = is_declared

    def declare(self, rules: Rules, errors: tuple[type[Exception], ...], failed: Callable[[Any], bool] | None) -> None:
        """Go by what its code says of it, as of now."""
        self._errors, self._failed, self.plain = errors, failed, failed is None
        self.declared, self.is_declared = rules, True
        self.follow(rules)

    def follow(self, rules: Rules) -> None:
        """Go by these rules from now on."""
        self.rules, self.slow_s = rules, rules.slow_s

    def stand(self, standing: Standing, gen: int, offset: float) -> None:
        """Treat calls like this from now on. ``offset``: the fleet's clock less this process's monotonic one.

        What began under another generation goes on in its own tally.
        """
        self.offset = offset
        if gen != self.tally.gen:
            self.tally = Tally(gen)
            self.tallies.append(self.tally)
        self.standing, self._until, self._why = standing, standing.breaker.refuses_until(), _why(standing)
        self.free = standing.share == ALL

    def renew(self) -> None:
        """Know nothing: a process that was forked finds out for itself."""
        self.free = self.started = False
        self.tally = Tally(0)
        self.tallies = [self.tally]

    def now(self) -> float:
        """Return the time on the fleet's clock, as far as this process knows it."""
        return monotonic() + self.offset

    def admit(self) -> Permit | None:
        """Let a call pass that does not pass freely, with a permit if it has one; raises ``BreakerOpen``."""
        if not self.started:
            self._speaker.begin(self)
        carried = self.carried()
        if carried is not None:
            return carried.take()
        return None if self.passes() else self.ask()

    def carried(self) -> passes.Pass | None:
        """Return the pass that the work under way brought along, if it still holds.

        It does in the generation that gave it, and after it as long as any call passes at all.
        """
        carried = passes.all_carried()
        found = carried.get(self.name) if carried else None
        return found if found is not None and (self.standing.share or found.standing == self._identity()) else None

    def pass_on(self) -> passes.Pass:
        """Let a piece of work pass, whatever it calls: as a call, once for all of them; raises ``BreakerOpen``.

        The share of a ramp is left to whoever gives out the work.
        """
        self.begin()
        permit = None if self.standing.share else self.ask()
        return passes.Pass(self._identity(), permit)

    def _identity(self) -> tuple[object, int]:
        return self.standing.decider, self.standing.breaker.gen

    def begin(self) -> None:
        """Find out what holds, at the first call in a process; that may take a second."""
        if not self.started:
            self._speaker.begin(self)

    def passes(self) -> bool:
        """Decide what can be decided without asking; False: a permit is to be asked for. Raises ``BreakerOpen``."""
        standing = self.standing
        if self.free or (standing.share and self._dice() * ALL < standing.share):
            return True
        now = monotonic() + self.offset
        if now < standing.asks_from:
            self._reject(now)
        return False

    def ask(self) -> Permit | None:
        """Ask to try this call, which may take as long as the store's answers; raises ``BreakerOpen``.

        Whoever waited for his turn may find that it is decided by now.
        """
        if self.free:
            return None
        permit = self._speaker.permit(self) if self.standing.asks(self.now()) else None
        if permit is None and not self.free:
            self._reject(self.now())
        return permit

    def hand_back(self, permit: Permit) -> None:
        """Return a permit whose call was not made."""
        self._speaker.report(self, permit, None)

    def _reject(self, now: float) -> NoReturn:
        self.tally.rejected()
        left_s = self._until - now
        raise BreakerOpen(self.name, left_s if left_s > 0 else SOON_S, self._why)

    def well(self, tally: Tally, permit: Permit | None, took_s: float) -> None:
        """Count a call that was answered."""
        tally.well(took_s)
        is_slow = took_s >= self.slow_s
        if is_slow:
            tally.slow()
        if permit is not None:
            self._speaker.report(self, permit, Outcome.SLOW if is_slow else Outcome.OK)

    def badly(self, tally: Tally, permit: Permit | None, took_s: float, error: BaseException | None) -> None:
        """Count a call that ended with an error, or with a result that is one (``error`` None)."""
        if error is not None and not isinstance(error, self._errors):
            if isinstance(error, Exception):
                self.well(tally, permit, took_s)
            elif permit is not None:  # called off: it says nothing
                self._speaker.report(self, permit, None)
            return
        tally.badly(took_s)
        if permit is not None:
            self._speaker.report(self, permit, Outcome.ERROR)
        self._speaker.alarm()

    def answered(self, tally: Tally, permit: Permit | None, took_s: float, result: object) -> None:
        """Count a call that returned this."""
        try:
            is_failure = self._failed is not None and self._failed(result)
        except Exception:
            self.badly(tally, permit, took_s, None)
            raise
        if is_failure:
            self.badly(tally, permit, took_s, None)
        else:
            self.well(tally, permit, took_s)


def _why(standing: Standing) -> str:
    breaker = standing.breaker
    if breaker.override is Override.FORCED_OPEN:
        return "a person holds it open"
    if standing.share:
        return f"it lets {standing.share} % of the calls pass"
    if breaker.state is State.HALF_OPEN:
        return "others try whether it does well again"
    return breaker.reason or "it is open"
