"""``@fallback_cache("prices", fresh_s=10, stale_s=3600)`` around a function that asks a dependency."""

from __future__ import annotations

import atexit
import functools
import hashlib
import inspect
import json
import os
import threading
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, ParamSpec, TypeVar, cast

from reliability.degradation.domain.fallback import (
    EVERY,
    Copy,
    Rules,
    WrongFallback,
    as_text,
    checked_seconds,
    checked_tags,
    value_of,
)
from reliability.degradation.fallback.asking import Asked, Asking
from reliability.degradation.fallback.counting import Said
from reliability.degradation.fallback.keeper import Keeper
from reliability.degradation.stores.shared_copies import SharedCopies

P = ParamSpec("P")
T = TypeVar("T")

WAIT_S: Final = 5.0
AGAIN_S: Final = 1.0
HELD_S_MAX: Final = 3_600.0
_NONE: Final = object()

_askings: dict[str, Asking] = {}
_lock = threading.Lock()
_keeper: Keeper | None = None


def fallback_cache(
    name: str,
    *,
    fresh_s: float,
    stale_s: float,
    default: Any = _NONE,
    tags: Iterable[str] | Callable[..., Iterable[str]] = (),
    key: Callable[..., str] | None = None,
    on: tuple[type[Exception], ...] = (Exception,),
    wait_s: float = WAIT_S,
    again_s: float = AGAIN_S,
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a function, or an async one, that asks a dependency and returns what JSON has.

    A copy younger than ``fresh_s`` seconds is the answer, from this process or from Redis. Else the function is called,
    by one call of a process at a time for the same arguments; the others wait ``wait_s`` seconds at most. When it
    raises one of ``on``: a copy younger than ``stale_s``, else ``default`` (JSON, or a quick function of the same
    arguments, not async), else its error; for ``again_s`` seconds it is not called again for these arguments, and
    without a copy and a default ``NothingToServe`` is raised. Without Redis the copies of this process do.
    ``tags`` (texts, or a function of the arguments): what ``invalidate`` makes all copies of invalid by, for good.
    ``key``: a text for arguments that are no JSON. Answers are as JSON gives them back: tuples are lists.
    Raises ``WrongFallback``, also for a name that is there already, and when an answer is no JSON.
    """
    rules = Rules(name=name, fresh_s=fresh_s, stale_s=stale_s)
    given_tags = tags if callable(tags) else checked_tags(name, tags)
    checked_seconds(name, "wait_s", wait_s, most=HELD_S_MAX)
    checked_seconds(name, "again_s", again_s, most=HELD_S_MAX)
    otherwise = _otherwise(name, default)

    def decorate(work: Callable[P, T]) -> Callable[P, T]:
        said = Said(rules=rules, where=f"{work.__module__}.{work.__qualname__}", has_default=default is not _NONE)
        asking = Asking(keeper(), said, on=on, wait_s=wait_s, again_s=again_s)
        _register(name, asking, said)
        asked = functools.partial(_asked, name, inspect.signature(work), otherwise, given_tags, key)

        @functools.wraps(work)
        def entry(*args: P.args, **kwargs: P.kwargs) -> T:
            keeper().begin()
            return cast("T", asking.call(lambda: work(*args, **kwargs), asked(args, kwargs)))

        @functools.wraps(work)
        async def async_entry(*args: P.args, **kwargs: P.kwargs) -> Any:
            keeper().begin()
            ask = cast("Callable[[], Awaitable[Any]]", lambda: work(*args, **kwargs))
            return await asking.call_async(ask, asked(args, kwargs))

        return cast("Callable[P, T]", async_entry) if inspect.iscoroutinefunction(work) else entry

    return decorate


def invalidate(*tags: str) -> bool:
    """Make all copies with one of these tags invalid: here at once, elsewhere within about a second.

    A value that was asked for before is not kept, whoever asked. False when Redis did not take it: others hear of it
    as soon as it does. Waits a fraction of a second at most. Raises ``WrongFallback``.
    """
    checked = checked_tags("invalidate", tags)
    return keeper().invalidate(checked) if checked else True


def forget(name: str) -> bool:
    """Make all copies of one cache invalid, as ``invalidate`` does. Raises ``WrongFallback`` for an unknown name."""
    if name not in _askings:
        raise WrongFallback(
            f"{name!r:.80} is no fallback cache of this process; there are {', '.join(_askings) or 'none'}"
        )
    return keeper().invalidate([_own_tag(name)])


def keeper() -> Keeper:
    """Return the keeper of this process."""
    global _keeper  # one for each process
    if _keeper is None:
        with _lock:
            if _keeper is None:
                _keeper = Keeper(SharedCopies())
                os.register_at_fork(after_in_child=_renew)
                atexit.register(_keeper.stop)
    return _keeper


def _register(name: str, asking: Asking, said: Said) -> None:
    with _lock:
        known = keeper().counts.caches.get(name) if _keeper is not None else None
        if known is not None and known.where != said.where:
            raise WrongFallback(f"{name} is the name of two caches: {known.where} and {said.where}")
        _askings[name] = asking
        keeper().counts.caches[name] = said


def _asked(
    name: str,
    signature: inspect.Signature,
    otherwise: Callable[..., Any],
    tags: tuple[str, ...] | Callable[..., Iterable[str]],
    key: Callable[..., str] | None,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Asked:
    """The same arguments, however they are given, make the same key; what is left out is as the function has it."""
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    if key is not None:
        text = key(*bound.args, **bound.kwargs)
    else:
        try:
            text = json.dumps([bound.args, bound.kwargs], sort_keys=True, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise WrongFallback(
                f"{name}: arguments are no JSON ({error!s:.120}); give key=, a function of them"
            ) from error
    own = checked_tags(name, tags(*bound.args, **bound.kwargs)) if callable(tags) else tags
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]
    return Asked(
        key=f"{name}:{digest}",
        tags=(EVERY, _own_tag(name), *own),
        default=lambda: otherwise(*bound.args, **bound.kwargs),
    )


def _otherwise(name: str, default: Any) -> Callable[..., Any]:
    """The default as a function of the arguments; a value is made anew each time."""
    if inspect.iscoroutinefunction(default):
        raise WrongFallback(f"{name}: the default is an async function; it must not have to wait for anybody")
    if callable(default) or default is _NONE:
        return cast("Callable[..., Any]", default)
    copy = Copy(text=as_text(name, default), at_s=0.0)
    return lambda *_, **__: value_of(copy)


def _own_tag(name: str) -> str:
    return f"cache {name}"


def _renew() -> None:
    """In a child that was forked while a thread of its parent held the lock, nobody else would let it go."""
    global _lock  # the parent's is of no use here
    _lock = threading.Lock()
    if _keeper is not None:
        _keeper.renew()
    for asking in list(_askings.values()):
        asking.renew()
