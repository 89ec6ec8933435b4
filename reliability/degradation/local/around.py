"""A function that is done otherwise while a flag is degraded."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar, cast

from reliability.degradation.domain.flags import WrongFlag
from reliability.degradation.local.flag import Flag

P = ParamSpec("P")
T = TypeVar("T")


def degraded_to(
    flag: Flag, *, from_level: int, otherwise: Callable[P, T]
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Return a decorator: from this level on ``otherwise`` is called instead, with the same arguments.

    Both are async functions or neither is. Raises ``WrongFlag``.
    """
    if not callable(otherwise):
        raise WrongFlag(f"{flag.name}: otherwise is a function with the same arguments, such as lambda user: []")
    if type(from_level) is not int or not 1 <= from_level <= flag.declaration.worst:
        raise WrongFlag(f"{flag.name}: from_level is {from_level!r}; it is a level, 1 to {flag.declaration.worst}")

    def decorate(work: Callable[P, T]) -> Callable[P, T]:
        flag.where.add(f"{work.__module__}.{work.__qualname__}")
        is_async = inspect.iscoroutinefunction(work)
        if is_async != inspect.iscoroutinefunction(otherwise):
            raise WrongFlag(f"{flag.name}: {work.__qualname__} and what is done otherwise are both async, or neither")

        @functools.wraps(work)
        def entry(*args: P.args, **kwargs: P.kwargs) -> T:
            return work(*args, **kwargs) if flag.level < from_level else otherwise(*args, **kwargs)

        @functools.wraps(work)
        async def async_entry(*args: P.args, **kwargs: P.kwargs) -> Any:
            return await cast("Awaitable[Any]", entry(*args, **kwargs))

        return cast("Callable[P, T]", async_entry) if is_async else entry

    return decorate
