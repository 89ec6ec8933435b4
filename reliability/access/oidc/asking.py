"""Questions to the identity provider: to known hosts alone, no redirects, a bound on time and size."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import orjson
import urllib3

from reliability.access.oidc.config import Config
from reliability.access.oidc.refusals import NotReached
from reliability.kernel import clock

CONNECT_WITHIN_S = 3.0
EACH_READ_WITHIN_S = 4.0
ALL_WITHIN_S = 8.0
LONGEST_ANSWER = 512 * 1024
AT_ONCE = 3
"""Requests at the provider at the same time: a slow one must not take every thread of the console."""
TURN_WITHIN_S = 2.0
_TIMEOUT = urllib3.Timeout(connect=CONNECT_WITHIN_S, read=EACH_READ_WITHIN_S)
_PLACES = threading.BoundedSemaphore(AT_ONCE)


def get(config: Config, url: str, *, bearer: str = "") -> dict[str, Any]:
    """Ask for a JSON object; raises ``NotReached``."""
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    status, body = _ask(config, "GET", url, headers=headers)
    if status != 200:
        raise NotReached(f"{url} answered with status {status}")
    return _object(body, url)


def post(
    config: Config, url: str, *, fields: Mapping[str, str], headers: Mapping[str, str]
) -> tuple[int, dict[str, Any]]:
    """Send a form; return the status and the JSON object of the answer. Raises ``NotReached``."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    status, body = _ask(config, "POST", url, headers={**headers, **kind}, body=urlencode(fields).encode())
    if status >= 500 or status < 200 or 300 <= status < 400:
        raise NotReached(f"{url} answered with status {status}")
    return status, _object(body, url)


def check_address(config: Config, url: object, *, what: str) -> str:
    """Return an address that may be asked, or a browser be sent to; raises ``NotReached`` for any other."""
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or "\\" in url or len(url) > 2_000:
        raise NotReached(f"the provider names no usable {what}")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for a port that is none
    except ValueError:
        raise NotReached(f"the provider names no usable {what}") from None
    if parts.scheme not in ("https", config.scheme) or parts.netloc not in config.hosts:
        raise NotReached(f"the {what} is on {parts.netloc[:100]}: add that host to MAINSTAY_OIDC_HOSTS if it is right")
    return url


def _ask(
    config: Config, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None
) -> tuple[int, bytes]:
    check_address(config, url, what="address")
    until_s = clock.SYSTEM.monotonic() + ALL_WITHIN_S
    asked = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Mainstay", **headers}
    with _turn(), _pool(url) as pool, _cut_off(pool, url, after_s=ALL_WITHIN_S):
        try:
            answer = pool.request(
                method,
                url,
                body=body,
                headers=asked,
                timeout=_TIMEOUT,
                retries=False,
                redirect=False,
                preload_content=False,
                decode_content=False,
            )
            return answer.status, _read(answer, url, until_s=until_s)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise NotReached(f"{url}: {type(error).__name__}: {str(error)[:200]}") from error


def _read(answer: urllib3.BaseHTTPResponse, url: str, *, until_s: float) -> bytes:
    found = bytearray()
    while piece := answer.read1(65_536, decode_content=False):
        found += piece
        if len(found) > LONGEST_ANSWER:
            raise NotReached(f"{url} answered with more than {LONGEST_ANSWER:,} bytes")
    if clock.SYSTEM.monotonic() > until_s:  # it was cut off, and may look whole
        raise NotReached(f"{url} took longer than {ALL_WITHIN_S:.0f} s")
    return bytes(found)


@contextmanager
def _turn() -> Iterator[None]:
    if not _PLACES.acquire(timeout=TURN_WITHIN_S):
        raise NotReached(f"{AT_ONCE} sign-ins wait for the provider already")
    try:
        yield
    finally:
        _PLACES.release()


@contextmanager
def _pool(url: str) -> Iterator[urllib3.PoolManager]:
    """A connection for this one question, through the proxy that the environment names for it, if any."""
    parts = urlsplit(url)
    proxy = getproxies().get(parts.scheme)
    pool = urllib3.ProxyManager(proxy) if proxy and not proxy_bypass(parts.netloc) else urllib3.PoolManager()
    try:
        yield pool
    finally:
        pool.clear()


@contextmanager
def _cut_off(pool: urllib3.PoolManager, url: str, *, after_s: float) -> Iterator[None]:
    """End the connection of a question that takes too long: an answer that drips never runs into a timeout of reads."""
    hosts = pool.connection_from_url(url)
    connect = hosts.ConnectionCls
    made: list[Any] = []

    def kept(*args: Any, **kwargs: Any) -> Any:
        made.append(connect(*args, **kwargs))
        return made[-1]

    def cut() -> None:
        for each in made:
            if isinstance(each.sock, socket.socket):
                with suppress(OSError):
                    socket.socket.shutdown(each.sock, socket.SHUT_RDWR)  # the reader, in its thread, is at the end

    hosts.ConnectionCls = kept  # type: ignore[assignment]  # it is only ever called
    timer = threading.Timer(after_s, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _object(body: bytes, url: str) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NotReached(f"{url} answered with no JSON") from None
    if not isinstance(found, dict):
        raise NotReached(f"{url} answered with no JSON object")
    return found
