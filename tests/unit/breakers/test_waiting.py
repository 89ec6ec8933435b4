"""In an event loop: what can be decided is decided there, and a task that is called off keeps no permit."""

from __future__ import annotations

import asyncio
import threading

import pytest

from reliability.breakers.domain.machine import Breaker as Machine
from reliability.breakers.domain.machine import Outcome, State
from reliability.breakers.guard import waiting
from reliability.breakers.guard.around import Breaker
from reliability.breakers.guard.errors import BreakerOpen
from reliability.breakers.guard.guard import Guard
from reliability.breakers.stores.fleet import Permit
from tests.unit.breakers.test_guard import RULES, Speaker, stand

HALF_OPEN = Machine(state=State.HALF_OPEN, gen=3)


class Slow(Speaker):
    """Answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.let, self.told = threading.Event(), threading.Event(), threading.Event()

    def permit(self, guard: Guard) -> Permit | None:
        self.asked.set()
        self.let.wait(5)
        return super().permit(guard)

    def report(self, guard: Guard, permit: Permit, outcome: Outcome | None) -> None:
        super().report(guard, permit, outcome)
        self.told.set()


@pytest.fixture
def speaker() -> Slow:
    return Slow()


@pytest.fixture
def payments(speaker: Slow) -> Breaker:
    made = Breaker(Guard("payments", RULES, speaker))
    made.guard.started = True
    return made


def test_a_rejection_takes_no_thread(payments: Breaker, monkeypatch: pytest.MonkeyPatch) -> None:
    stand(payments.guard, Machine(state=State.OPEN, gen=2, open_until=payments.guard.now() + 60))
    monkeypatch.setattr(waiting, "_threads", None)

    @payments
    async def charge() -> None:
        raise AssertionError("not to be called")

    async def main() -> None:
        with pytest.raises(BreakerOpen):
            await charge()
        with pytest.raises(BreakerOpen):
            async with payments:
                raise AssertionError("not to be entered")

    asyncio.run(main())


def test_a_task_that_is_cancelled_while_it_asks_hands_its_permit_back(payments: Breaker, speaker: Slow) -> None:
    speaker.permits = [Permit("p", 3)]
    stand(payments.guard, HALF_OPEN)

    async def inside() -> None:
        async with payments:
            raise AssertionError("not to be entered")

    async def main() -> None:
        task = asyncio.create_task(inside())
        await asyncio.to_thread(speaker.asked.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        speaker.let.set()
        await asyncio.to_thread(speaker.told.wait, 5)

    asyncio.run(main())
    assert speaker.reports == [(Permit("p", 3), None)]


def test_a_task_that_is_cancelled_while_it_tells_has_told(payments: Breaker, speaker: Slow) -> None:
    speaker.permits = [Permit("p", 3)]
    speaker.let.set()
    stand(payments.guard, HALF_OPEN)
    begun = threading.Event()

    def tell() -> None:
        begun.set()
        threading.Event().wait(0.05)
        speaker.report(payments.guard, Permit("p", 3), Outcome.OK)

    async def main() -> None:
        task = asyncio.create_task(waiting.told(tell))
        await asyncio.to_thread(begun.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(speaker.told.wait, 5)

    asyncio.run(main())
    assert speaker.reports == [(Permit("p", 3), Outcome.OK)]


def test_who_waited_for_his_turn_is_decided_by_what_holds_then(payments: Breaker, speaker: Slow) -> None:
    speaker.let.set()
    stand(payments.guard, HALF_OPEN)
    assert not payments.guard.passes()
    stand(payments.guard, Machine())
    assert payments.guard.ask() is None
    stand(payments.guard, Machine(state=State.OPEN, gen=4, open_until=payments.guard.now() + 60))
    with pytest.raises(BreakerOpen):
        payments.guard.ask()
    assert not speaker.asked.is_set()
