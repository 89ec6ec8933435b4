"""The order in which an answer is looked for, for functions and for async functions."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog

from reliability.degradation.domain.fallback import (
    VALUE_BYTES_MAX,
    Copy,
    NothingToServe,
    Outcome,
    Rules,
    age_s,
    as_text,
    in_need,
    is_fresh,
    value_of,
)
from reliability.degradation.fallback.counting import Said
from reliability.degradation.fallback.flights import Flights, Landed, wait, wait_async
from reliability.degradation.fallback.keeper import Keeper
from reliability.degradation.stores.copies import Generations
from reliability.kernel import clock
from reliability.kernel.telemetry import metrics, names

log = structlog.get_logger(__name__)

FAILURES_KNOWN_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call: the key of its arguments, its tags, and what is answered when there is nothing."""

    key: str
    tags: tuple[str, ...]
    default: Callable[[], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What was there before the dependency was asked. ``shared`` is None when Redis did not say."""

    copies: tuple[Copy | None, Copy | None]
    local: Generations
    shared: Generations | None


class Asking:
    """Looks for answers of one function. ``again_s``: so long it is not called again for a key that it failed for."""

    def __init__(
        self, keeper: Keeper, said: Said, *, on: tuple[type[Exception], ...], wait_s: float, again_s: float
    ) -> None:
        self._keeper, self._said, self._on, self._wait_s, self._again_s = keeper, said, on, wait_s, again_s
        self._rules: Rules = said.rules
        self.renew()

    def renew(self) -> None:
        """In a process that was forked: whoever was asking is not here."""
        self._flights = Flights()
        self._failed: OrderedDict[str, float] = OrderedDict()

    def call(self, work: Callable[[], Any], asked: Asked) -> Any:
        """Return an answer from wherever there is one; raises what the dependency raised, or ``NothingToServe``."""
        while True:
            copy, generations = self._keeper.local.find(asked.key, asked.tags)
            if is_fresh(copy, self._rules, now_s=_now_s()):
                return self._served(Landed(Outcome.LOCAL, copy), asked)
            # Who comes after an invalidation does not wait for what was asked before it.
            key = "".join((asked.key, *generations))
            flight, leads = self._flights.board(key)
            if not leads:
                landed = wait(flight, wait_s=self._wait_s)
                if landed is not None:
                    return self._served(self._for_who_waited(landed, asked), asked)
                continue
            with self._flights.leading(key, flight):
                landed = self._led(work, asked)
                flight.set_result(landed)
            return self._served(landed, asked)

    async def call_async(self, work: Callable[[], Awaitable[Any]], asked: Asked) -> Any:
        """Like ``call``; Redis is waited for in another thread."""
        while True:
            copy, generations = self._keeper.local.find(asked.key, asked.tags)
            if is_fresh(copy, self._rules, now_s=_now_s()):
                return self._served(Landed(Outcome.LOCAL, copy), asked)
            # Who comes after an invalidation does not wait for what was asked before it.
            key = "".join((asked.key, *generations))
            flight, leads = self._flights.board(key)
            if not leads:
                landed = await wait_async(flight, wait_s=self._wait_s)
                if landed is not None:
                    return self._served(self._for_who_waited(landed, asked), asked)
                continue
            with self._flights.leading(key, flight):
                landed = await self._led_async(work, asked)
                flight.set_result(landed)
            return self._served(landed, asked)

    def _led(self, work: Callable[[], Any], asked: Asked) -> Landed:
        before = self._before(asked)
        landed = self._without_asking(before, asked)
        if landed is not None:
            return landed
        try:
            value = work()
        except self._on as error:
            return self._failure(error, before, asked)
        copy = self._answered(value, asked)
        self._keep(copy, before, asked)
        return Landed(Outcome.ASKED, copy)

    async def _led_async(self, work: Callable[[], Awaitable[Any]], asked: Asked) -> Landed:
        before = await asyncio.to_thread(self._before, asked)
        landed = self._without_asking(before, asked)
        if landed is not None:
            return landed
        try:
            value = await work()
        except self._on as error:
            return self._failure(error, before, asked)
        copy = self._answered(value, asked)
        await asyncio.to_thread(self._keep, copy, before, asked)
        return Landed(Outcome.ASKED, copy)

    def _before(self, asked: Asked) -> Before:
        here, local = self._keeper.local.find(asked.key, asked.tags)
        if here is not None and self._is_held(asked):
            return Before(copies=(here, None), local=local, shared=None)
        shared, generations = self._keeper.find(asked.key, asked.tags)
        here, local = self._keeper.local.find(asked.key, asked.tags)
        return Before(copies=(here, shared), local=local, shared=generations)

    def _without_asking(self, before: Before, asked: Asked) -> Landed | None:
        """What can be answered although nobody asks; None when the dependency is to be asked."""
        here, shared = before.copies
        if is_fresh(here, self._rules, now_s=_now_s()):  # another call was just done
            return Landed(Outcome.LOCAL, here)
        if shared is not None and is_fresh(shared, self._rules, now_s=_now_s()):
            self._keep_here(shared, before, asked)
            return Landed(Outcome.SHARED, shared)
        return self._in_need(before, asked) if self._is_held(asked) else None

    def _is_held(self, asked: Asked) -> bool:
        return clock.SYSTEM.monotonic() < self._failed.get(asked.key, 0.0)

    def _keep_here(self, shared: Copy, before: Before, asked: Asked) -> None:
        left_s = self._rules.stale_s - age_s(shared, now_s=_now_s())
        if before.shared is not None and left_s > 0:
            self._keeper.local.keep(asked.key, shared, asked.tags, before.shared, for_s=left_s)

    def _in_need(self, before: Before | None, asked: Asked, error: Exception | None = None) -> Landed:
        """What is answered instead. An invalidation that came meanwhile counts: an invalid copy does in no need."""
        here, now = self._keeper.local.find(asked.key, asked.tags)
        shared = before.copies[1] if before is not None and now == before.shared else None
        outcome, copy = in_need((here, shared), self._rules, has_default=self._said.has_default, now_s=_now_s())
        if copy is not None and copy is shared and before is not None:
            self._keep_here(copy, before, asked)
        return Landed(outcome, copy, error)

    def _failure(self, error: Exception, before: Before, asked: Asked) -> Landed:
        self._failed[asked.key] = clock.SYSTEM.monotonic() + self._again_s
        while len(self._failed) > FAILURES_KNOWN_MAX:
            self._failed.popitem(last=False)
        landed = self._in_need(before, asked, error)
        log.info("fallback_in_need", cache=self._rules.name, outcome=landed.outcome.value, error=repr(error)[:200])
        return landed

    def _for_who_waited(self, landed: Landed, asked: Asked) -> Landed:
        if landed.outcome in (Outcome.ASKED, Outcome.SHARED):
            return Landed(Outcome.LOCAL, landed.copy)
        if landed.outcome is Outcome.FAILED and landed.error is None:  # waited for too long, or it failed a moment ago
            return self._in_need(None, asked)
        return landed

    def _answered(self, value: Any, asked: Asked) -> Copy:
        self._failed.pop(asked.key, None)
        return Copy(text=as_text(self._rules.name, value), at_s=_now_s())

    def _keep(self, copy: Copy, before: Before, asked: Asked) -> None:
        if len(copy.text) > VALUE_BYTES_MAX:
            metrics.inc(names.FALLBACKS_UNKEPT, cache=self._rules.name)
            return
        for_s = self._rules.stale_s
        self._keeper.keep(asked.key, copy, asked.tags, local=before.local, shared=before.shared, for_s=for_s)

    def _served(self, landed: Landed, asked: Asked) -> Any:
        age = age_s(landed.copy, now_s=_now_s()) if landed.copy is not None else 0.0
        self._keeper.counts.add(self._said, landed.outcome, age_s=age)
        if landed.copy is not None:
            return value_of(landed.copy)
        if landed.outcome is Outcome.DEFAULT:
            return asked.default()
        if landed.error is not None:
            raise landed.error
        raise NothingToServe(f"{self._rules.name} failed a moment ago, and there is neither a value nor a default")


def _now_s() -> float:
    return clock.SYSTEM.now().timestamp()
