"""A guard around calls: what it counts, what it lets pass, and that it does nothing else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from reliability.breakers.domain.evidence import Counts
from reliability.breakers.domain.machine import Breaker as Machine
from reliability.breakers.domain.machine import Outcome, Override, State
from reliability.breakers.domain.rules import Rules
from reliability.breakers.domain.standing import Standing, standing
from reliability.breakers.guard.around import Breaker
from reliability.breakers.guard.errors import BreakerOpen
from reliability.breakers.guard.guard import Guard
from reliability.breakers.stores.fleet import Permit

RULES = Rules(slow_s=0.05, jitter=0.0)


class Speaker:
    """Whom a guard speaks with."""

    def __init__(self) -> None:
        self.permits: list[Permit] = []
        self.reports: list[tuple[Permit, Outcome | None]] = []
        self.begun = self.alarms = 0
        self.at_begin = Machine()

    def begin(self, guard: Guard) -> None:
        self.begun += 1
        guard.started = True
        stand(guard, self.at_begin)

    def permit(self, guard: Guard) -> Permit | None:
        return self.permits.pop() if self.permits else None

    def report(self, guard: Guard, permit: Permit, outcome: Outcome | None) -> None:
        self.reports.append((permit, outcome))

    def alarm(self) -> None:
        self.alarms += 1


def stand(guard: Guard, machine: Machine) -> None:
    """Have the fleet be like this, seen now."""
    found: Standing = standing(machine, Machine(), guard.rules, reachable=True, now=guard.now())
    guard.stand(found, machine.gen, guard.offset)


@pytest.fixture
def speaker() -> Speaker:
    return Speaker()


@pytest.fixture
def payments(speaker: Speaker) -> Breaker:
    return Breaker(Guard("payments", RULES, speaker))


def counts(breaker: Breaker) -> Counts:
    found = breaker.guard.tally.taken()
    return Counts(calls=found.calls, failed=found.failed, slow=found.slow, row=found.row, rejected=found.rejected)


def call(breaker: Breaker, error: BaseException | None = None) -> None:
    with breaker:
        if error is not None:
            raise error


def test_calls_are_counted_as_they_end(payments: Breaker, speaker: Speaker) -> None:
    call(payments)
    with pytest.raises(ValueError, match="no"):
        call(payments, ValueError("no"))
    assert counts(payments) == Counts(calls=2, failed=1, row=1)
    assert counts(payments) == Counts()
    assert (speaker.begun, speaker.alarms) == (1, 1)


def test_what_is_no_failure_is_an_answer_and_what_is_called_off_is_nothing(speaker: Speaker) -> None:
    breaker = Breaker(Guard("payments", RULES, speaker, errors=(OSError,)))
    for error in (KeyError("an answer"), OSError("a failure"), KeyboardInterrupt(), asyncio.CancelledError()):
        with pytest.raises(type(error)):
            call(breaker, error)
    assert counts(breaker) == Counts(calls=2, failed=1, row=1)


def test_a_slow_call_is_counted_as_slow(speaker: Speaker) -> None:
    breaker = Breaker(Guard("payments", Rules(slow_s=1e-9), speaker))
    call(breaker)
    breaker(lambda: None)()
    assert counts(breaker) == Counts(calls=2, slow=2)


def test_a_result_can_be_a_failure(speaker: Speaker) -> None:
    breaker = Breaker(Guard("payments", RULES, speaker, failed=lambda status: status >= 500))
    ask = breaker(lambda status: status)
    assert [ask(200), ask(503)] == [200, 503]
    assert counts(breaker) == Counts(calls=2, failed=1, row=1)
    with pytest.raises(TypeError):
        ask("not a number")
    assert counts(breaker) == Counts(calls=1, failed=1, row=1)


def test_while_it_is_open_nothing_is_called_and_the_caller_hears_when_to_ask_again(payments: Breaker) -> None:
    call(payments)
    now = payments.guard.now()
    stand(payments.guard, Machine(state=State.OPEN, gen=2, open_until=now + 12.0, reason="9 of 10 calls failed"))
    with pytest.raises(BreakerOpen) as raised:
        call(payments, AssertionError("it was called"))
    assert raised.value.retry_after_s == pytest.approx(12.0, abs=0.5)
    assert "payments was not called: 9 of 10 calls failed; ask again in 1" in str(raised.value)
    assert counts(payments) == Counts(rejected=1)


def test_when_its_time_is_over_a_call_asks_for_a_permit_and_tells_how_it_ended(
    payments: Breaker, speaker: Speaker
) -> None:
    speaker.at_begin = Machine(state=State.OPEN, gen=2, open_until=payments.guard.now() - 1)
    with pytest.raises(BreakerOpen):
        call(payments)
    for outcome, error in ((Outcome.OK, None), (Outcome.ERROR, OSError()), (None, KeyboardInterrupt())):
        speaker.permits.append(Permit("p", 3))
        if error is None:
            call(payments)
        else:
            with pytest.raises(type(error)):
                call(payments, error)
        assert speaker.reports.pop() == (Permit("p", 3), outcome)


def test_a_ramp_lets_a_part_of_the_calls_pass(speaker: Speaker) -> None:
    dice = iter([0.09, 0.11, 0.5, 0.01])
    breaker = Breaker(Guard("payments", RULES, speaker, dice=lambda: next(dice)))
    speaker.at_begin = Machine(state=State.RECOVERING, gen=3, since=breaker.guard.now())
    call(breaker)
    for _ in range(2):
        with pytest.raises(BreakerOpen, match="10 % of the calls"):
            call(breaker)
    call(breaker)


@pytest.mark.parametrize("override", [Override.FORCED_CLOSED, Override.METRICS_ONLY])
def test_a_person_can_have_all_calls_pass(payments: Breaker, override: Override) -> None:
    now = payments.guard.now()
    call(payments)
    forced = Machine(state=State.OPEN, gen=4, open_until=now + 9, override=override, override_until=now + 60)
    stand(payments.guard, forced)
    call(payments)
    assert counts(payments) == Counts(calls=1)


def test_what_began_before_the_breaker_moved_is_told_of_the_generation_that_let_it_pass(payments: Breaker) -> None:
    def ask() -> None:
        stand(payments.guard, Machine(gen=7))
        raise OSError("late")

    with payments:
        before = payments.guard.tally
    before.taken()
    with pytest.raises(OSError, match="late"):
        payments(ask)()
    assert (before.gen, before.taken().failed, counts(payments)) == (1, 1, Counts())


def test_threads_are_not_put_in_a_row(payments: Breaker) -> None:
    """Elsewhere a lock is held while the call runs: eight calls take eight times as long."""
    together = threading.Barrier(8)

    def inside(_: int) -> None:
        with payments:
            together.wait(5)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(inside, range(8)))
    assert counts(payments) == Counts(calls=8)


def test_no_call_of_many_threads_is_lost_or_counted_twice(payments: Breaker) -> None:
    ask = payments(lambda: None)
    seen: list[int] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            seen.append(payments.guard.tally.taken().calls)

    looking = threading.Thread(target=look)
    ask()
    looking.start()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: [ask() for _ in range(5000)], range(4)))
    over.set()
    looking.join()
    seen.append(payments.guard.tally.taken().calls)
    assert sum(seen) == 20_001


def test_calls_within_calls_and_in_generators_keep_their_own_times(payments: Breaker, speaker: Speaker) -> None:
    mail = Breaker(Guard("mail", RULES, speaker))

    def lines() -> Iterator[int]:
        with mail:
            yield 1
        yield 2

    with payments:
        going = lines()
        next(going)
        with payments:
            pass
        next(going)
        with mail:
            pass
    assert (counts(payments), counts(mail)) == (Counts(calls=2), Counts(calls=2))


def test_coroutines_that_interleave_are_each_counted_once(payments: Breaker, speaker: Speaker) -> None:
    @payments
    async def decorated(wait_s: float) -> float:
        await asyncio.sleep(wait_s)
        return wait_s

    async def inside(wait_s: float) -> float:
        async with payments:
            await asyncio.sleep(wait_s)
        return wait_s

    async def main() -> list[Any]:
        return await asyncio.gather(decorated(0.02), inside(0.01), decorated(0.0), inside(0.03))

    assert asyncio.run(main()) == [0.02, 0.01, 0.0, 0.03]
    assert counts(payments) == Counts(calls=4)

    async def probe() -> None:
        speaker.permits = [Permit("p", 3), Permit("q", 3)]
        stand(payments.guard, Machine(state=State.HALF_OPEN, gen=3))
        await decorated(0.0)
        task = asyncio.create_task(inside(5.0))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(probe())
    assert speaker.reports == [(Permit("q", 3), Outcome.OK), (Permit("p", 3), None)]


def test_what_yields_is_refused_and_names_are_kept(payments: Breaker) -> None:
    def lines() -> Iterator[int]:
        yield 1

    async def charge() -> None:
        """Take the money."""

    with pytest.raises(TypeError, match="lay the breaker around the call"):
        payments(lines)
    assert payments(charge).__doc__ == "Take the money."
    assert asyncio.iscoroutinefunction(payments(charge))
