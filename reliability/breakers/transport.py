"""A breaker around what httpx sends: ``httpx.Client(transport=BreakerTransport(httpx.HTTPTransport(), payments))``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import perf_counter
from types import TracebackType
from typing import Final

try:
    import httpx
except ImportError as missing:
    raise ImportError("httpx is not installed; reliability.breakers.transport needs it: pip install httpx") from missing

from reliability.breakers.guard import waiting
from reliability.breakers.guard.around import Breaker
from reliability.breakers.guard.tally import Tally
from reliability.breakers.stores.fleet import Permit

TOO_MANY: Final = 429
Failed = Callable[[httpx.Response], bool]

_NOT_SENT: Final = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
"""Mistakes of the caller: they say nothing of the other side."""


def is_failure(response: httpx.Response) -> bool:
    """Whether a response says that the other side does not do well: any 5xx, and 429."""
    return response.status_code >= 500 or response.status_code == TOO_MANY


class _Settling:
    """How a request ended, as the breaker counts it."""

    def __init__(self, breaker: Breaker, failed: Failed) -> None:
        self._guard, self._failed = breaker.guard, failed

    def ended(
        self, tally: Tally, permit: Permit | None, took_s: float, response: httpx.Response | None, error: BaseException
    ) -> None:
        """Count a request that was answered, or not: then by this error."""
        guard = self._guard
        if response is not None:
            self._answered(tally, permit, took_s, response)
        elif isinstance(error, _NOT_SENT):
            if permit is not None:
                guard.hand_back(permit)
        elif isinstance(error, httpx.TransportError):
            guard.badly(tally, permit, took_s, None)
        else:
            guard.badly(tally, permit, took_s, error)

    def _answered(self, tally: Tally, permit: Permit | None, took_s: float, response: httpx.Response) -> None:
        try:
            is_bad = self._failed(response)
        except Exception:
            self._guard.badly(tally, permit, took_s, None)
            raise
        if is_bad:
            self._guard.badly(tally, permit, took_s, None)
        else:
            self._guard.well(tally, permit, took_s)


_NO_ERROR: Final = Exception()


class BreakerTransport(httpx.BaseTransport):
    """Sends through another transport what the breaker lets pass; raises ``BreakerOpen`` for what it does not.

    ``failed`` looks at a response, of which the body is not read, and says whether it counts as a failure. Connections
    that cannot be made or break, and timeouts, always do; requests that cannot be sent at all count as nothing. A call
    takes from the request to the head of its response. The response itself is passed on as it is.
    """

    def __init__(self, transport: httpx.BaseTransport, breaker: Breaker, *, failed: Failed = is_failure) -> None:
        self._transport, self._guard = transport, breaker.guard
        self._settling = _Settling(breaker, failed)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; raises ``BreakerOpen``, and what the transport raises."""
        guard = self._guard
        permit = None if guard.free else guard.admit()
        tally, began = guard.tally, perf_counter()
        try:
            response = self._transport.handle_request(request)
        except BaseException as error:
            self._settling.ended(tally, permit, perf_counter() - began, None, error)
            raise
        try:
            self._settling.ended(tally, permit, perf_counter() - began, response, _NO_ERROR)
        except BaseException:
            response.close()
            raise
        return response

    def __enter__(self) -> BreakerTransport:
        """Enter the transport."""
        self._transport.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        """Leave the transport."""
        self._transport.__exit__(kind, error, trace)

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()


class AsyncBreakerTransport(httpx.AsyncBaseTransport):
    """The same for ``httpx.AsyncClient``; where the fleet has to be asked, no other task waits for that."""

    def __init__(self, transport: httpx.AsyncBaseTransport, breaker: Breaker, *, failed: Failed = is_failure) -> None:
        self._transport, self._guard = transport, breaker.guard
        self._settling = _Settling(breaker, failed)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; raises ``BreakerOpen``, and what the transport raises."""
        guard = self._guard
        permit = None if guard.free else await waiting.admitted(guard)
        tally, began = guard.tally, perf_counter()
        try:
            response = await self._transport.handle_async_request(request)
        except BaseException as error:
            await self._ended(tally, permit, perf_counter() - began, None, error)
            raise
        try:
            await self._ended(tally, permit, perf_counter() - began, response, _NO_ERROR)
        except BaseException:
            await response.aclose()
            raise
        return response

    async def _ended(
        self, tally: Tally, permit: Permit | None, took_s: float, response: httpx.Response | None, error: BaseException
    ) -> None:
        if permit is None:
            self._settling.ended(tally, permit, took_s, response, error)
        else:
            await waiting.told(partial(self._settling.ended, tally, permit, took_s, response, error))

    async def __aenter__(self) -> AsyncBreakerTransport:
        """Enter the transport."""
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        """Leave the transport."""
        await self._transport.__aexit__(kind, error, trace)

    async def aclose(self) -> None:
        """Close the transport."""
        await self._transport.aclose()
