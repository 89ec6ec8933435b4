"""Laying a guard around calls: ``with``, ``async with``, a decorator for functions and for coroutines."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial, wraps
from time import perf_counter
from typing import Any, TypeVar

from reliability.breakers.guard import waiting
from reliability.breakers.guard.guard import Guard
from reliability.breakers.guard.tally import Tally
from reliability.breakers.stores.fleet import Permit

Function = TypeVar("Function", bound=Callable[..., Any])


class _Entry:
    """A call under way, and the one around it in the same thread or task."""

    __slots__ = ("around", "began", "breaker", "permit", "tally")

    def __init__(self, breaker: Breaker, tally: Tally, permit: Permit | None, around: _Entry | None) -> None:
        self.breaker, self.tally, self.permit, self.around = breaker, tally, permit, around
        self.began = perf_counter()


_under_way: ContextVar[_Entry | None] = ContextVar("breaker_calls", default=None)


class Breaker:
    """A breaker by its name: ``with payments:``, ``async with payments:``, ``@payments``.

    One object serves all threads and tasks of a process. A call that is not made raises ``BreakerOpen``. A ``with`` is
    left in the context that it was entered in.
    """

    __slots__ = ("guard",)

    def __init__(self, guard: Guard) -> None:
        self.guard = guard

    @property
    def name(self) -> str:
        """Return the name that all processes know it by."""
        return self.guard.name

    def __repr__(self) -> str:
        """Return name and state, as this process knows it."""
        return f"<Breaker {self.name}: {self.guard.standing.breaker.state}>"

    def __call__(self, function: Function) -> Function:
        """Lay it around a function or a coroutine function."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__name__} yields: lay the breaker around the call that it makes, by a with")
        if inspect.iscoroutinefunction(function):
            return _around_coroutine(self.guard, function)  # type: ignore[return-value]  # as wraps says
        return _around_function(self.guard, function)  # type: ignore[return-value]  # as wraps says

    def __enter__(self) -> None:
        """Begin a call."""
        guard = self.guard
        permit = None if guard.free else guard.admit()
        _under_way.set(_Entry(self, guard.tally, permit, _under_way.get()))

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """End the call."""
        entry = self._ended()
        if entry is not None:
            _settle(self.guard, entry, error)

    async def __aenter__(self) -> None:
        """Begin a call; where the fleet has to be asked, no other task waits for that."""
        guard = self.guard
        permit = None if guard.free else await waiting.admitted(guard)
        _under_way.set(_Entry(self, guard.tally, permit, _under_way.get()))

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """End the call."""
        entry = self._ended()
        if entry is not None and entry.permit is not None:
            await waiting.told(partial(_settle, self.guard, entry, error))
        elif entry is not None:
            _settle(self.guard, entry, error)

    def _ended(self) -> _Entry | None:
        """Take the innermost call of this breaker out of those under way; others may have begun in a generator."""
        innermost = _under_way.get()
        if innermost is not None and innermost.breaker is self:
            _under_way.set(innermost.around)
            return innermost
        before = innermost
        while before is not None and before.around is not None:
            if before.around.breaker is self:
                entry, before.around = before.around, before.around.around
                return entry
            before = before.around
        return None


def _settle(guard: Guard, entry: _Entry, error: BaseException | None) -> None:
    took_s = perf_counter() - entry.began
    if error is None:
        guard.well(entry.tally, entry.permit, took_s)
    else:
        guard.badly(entry.tally, entry.permit, took_s, error)


def _around_function(guard: Guard, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        permit = None if guard.free else guard.admit()
        tally = guard.tally
        began = perf_counter()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            guard.badly(tally, permit, perf_counter() - began, error)
            raise
        took_s = perf_counter() - began
        if permit is None and guard.plain and took_s < guard.slow_s:
            tally.well(took_s)
        else:
            guard.answered(tally, permit, took_s, result)
        return result

    return guarded


def _around_coroutine(guard: Guard, function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    async def guarded(*args: Any, **kwargs: Any) -> Any:
        permit = None if guard.free else await waiting.admitted(guard)
        tally = guard.tally
        began = perf_counter()
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            took_s = perf_counter() - began
            if permit is None:
                guard.badly(tally, permit, took_s, error)
            else:
                await waiting.told(partial(guard.badly, tally, permit, took_s, error))
            raise
        took_s = perf_counter() - began
        if permit is None:
            guard.answered(tally, permit, took_s, result)
        else:
            await waiting.told(partial(guard.answered, tally, permit, took_s, result))
        return result

    return guarded
