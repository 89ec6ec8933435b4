"""A Redis client for those who must not wait for Redis: short waits, no hidden retries.

Behind sentinels, and in a cluster, each new connection asks where the data are; when they are not there any more, the
connection ends, so that the next call asks again. In a cluster all keys of a client have one hash tag, so it speaks to
one server, and every command works as it does elsewhere.
"""

from __future__ import annotations

from typing import Any

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import (
    AskError,
    ClusterDownError,
    ConnectionError,  # noqa: A004 - redis-py's own
    MasterDownError,
    MovedError,
    ReadOnlyError,
)

from reliability.kernel.redis_address import Address, Node, parsed

ELSEWHERE = (ReadOnlyError, MovedError, AskError, ClusterDownError, MasterDownError)
"""Answers of a server that it is not, or not any more, the one to ask."""


def impatient(url: str, timeout_s: float, *, tag: str = "") -> redis.Redis:
    """Return a client whose calls fail after ``timeout_s`` for the connection and as much for the answer.

    Where somebody has to be asked first where the data are, that takes as long again. ``tag``: what all keys begin
    with, in braces. A slow name resolver is not covered: give an address, or have a resolver near. Raises
    ``WrongAddress``.
    """
    pool = redis.ConnectionPool(**placed(parsed(url), timeout_s, tag=tag), protocol=2, decode_responses=True)
    return redis.Redis.from_pool(pool)


def impatient_async(url: str, timeout_s: float, *, tag: str = "") -> redis.asyncio.Redis:
    """Return the same for one event loop; the caller closes it."""
    address = parsed(url)
    given = _parameters(address, timeout_s) | {"retry": AsyncRetry(NoBackoff(), 0)}
    if address.kind == "socket":
        given["connection_class"] = redis.asyncio.UnixDomainSocketConnection
    elif address.kind == "one":
        given["connection_class"] = redis.asyncio.SSLConnection if address.tls else redis.asyncio.Connection
    else:
        given["connection_class"] = _AsyncPlacedTls if address.tls else _AsyncPlaced
        given["place"] = Place(address, timeout_s, tag=tag)
    pool = redis.asyncio.ConnectionPool(**given, protocol=2, decode_responses=True)
    return redis.asyncio.Redis.from_pool(pool)


def placed(address: Address, timeout_s: float, *, tag: str = "") -> dict[str, Any]:
    """Return what a pool of connections is made of: their class, where they lead, how long they wait."""
    given = _parameters(address, timeout_s)
    if address.kind == "socket":
        return given | {"connection_class": redis.UnixDomainSocketConnection}
    if address.kind == "one":
        return given | {"connection_class": redis.SSLConnection if address.tls else redis.Connection}
    kind = _PlacedTls if address.tls else _Placed
    return given | {"connection_class": kind, "place": Place(address, timeout_s, tag=tag)}


def _parameters(address: Address, timeout_s: float) -> dict[str, Any]:
    given: dict[str, Any] = {
        "username": address.username or None,
        "password": address.password or None,
        "db": address.database,
        "socket_timeout": timeout_s,
        "retry": redis.retry.Retry(NoBackoff(), 0),
        "driver_info": None,  # no handshake round trip
    }
    if address.kind == "socket":
        return given | {"path": address.path}
    host, port = address.nodes[0]
    return given | {"host": host, "port": port, "socket_connect_timeout": timeout_s, **_tls(address)}


def _tls(address: Address) -> dict[str, Any]:
    """Return redis-py's words for the certificates of an address; nothing without TLS."""
    if not address.tls:
        return {}
    return {
        "ssl_cert_reqs": "required",
        "ssl_ca_certs": address.ca or None,
        "ssl_certfile": address.certificate or None,
        "ssl_keyfile": address.key or None,
        "ssl_check_hostname": address.checks_host,
    }


class Place:
    """Says where the data are: asks the sentinels for the master, or the cluster for whoever has a slot."""

    def __init__(self, address: Address, timeout_s: float, *, tag: str = "") -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._slot = key_slot(tag.strip("{}").encode())
        self._first = 0
        if address.kind == "sentinel":
            self._question: tuple[str, ...] = ("SENTINEL", "get-master-addr-by-name", address.master)
            self._login = (address.sentinel_username, address.sentinel_password)
        else:
            self._question, self._login = ("CLUSTER", "SLOTS"), (address.username, address.password)

    def find(self) -> Node:
        """Ask one after the other, beginning with who answered last; raise ``ConnectionError`` when none knows."""
        problems = []
        for at in self._order():
            connection = self._connection(redis.SSLConnection if self._address.tls else redis.Connection, at)
            try:
                connection.connect()
                connection.send_command(*self._question)
                return self._told(connection.read_response(), at)
            except (redis.RedisError, OSError) as error:
                problems.append(str(error) or type(error).__name__)
            finally:
                connection.disconnect()
        raise self._lost(problems)

    async def find_async(self) -> Node:
        """As ``find``."""
        problems = []
        kind = redis.asyncio.SSLConnection if self._address.tls else redis.asyncio.Connection
        for at in self._order():
            connection = self._connection(kind, at, retry=AsyncRetry(NoBackoff(), 0))
            try:
                await connection.connect()
                await connection.send_command(*self._question)
                return self._told(await connection.read_response(), at)
            except (redis.RedisError, OSError, TimeoutError) as error:
                problems.append(str(error) or type(error).__name__)
            finally:
                await connection.disconnect()
        raise self._lost(problems)

    def doubt(self) -> None:
        """Ask another one next time: what the last one said was not so (any more)."""
        self._first = (self._first + 1) % len(self._address.nodes)

    def _order(self) -> list[int]:
        count, first = len(self._address.nodes), self._first
        return [(first + step) % count for step in range(count)]

    def _connection(self, kind: Any, at: int, **others: Any) -> Any:
        host, port = self._address.nodes[at]
        username, password = self._login
        given = _parameters(self._address, self._timeout_s) | {"host": host, "port": port, "db": 0}
        given |= {"username": username or None, "password": password or None, "protocol": 2, "decode_responses": True}
        return kind(**(given | others))

    def _told(self, answer: Any, at: int) -> Node:
        node = self._master(answer) if self._address.kind == "sentinel" else self._owner(answer, at)
        self._first = at
        return node

    def _master(self, answer: Any) -> Node:
        if not answer:
            raise ConnectionError(f"the sentinel knows no master {self._address.master!r}")
        host, port = answer
        return str(host), int(port)

    def _owner(self, answer: Any, at: int) -> Node:
        for first, last, owner, *_ in answer:
            if first <= self._slot <= last:
                return str(owner[0] or self._address.nodes[at][0]), int(owner[1])
        raise ConnectionError("no server of the cluster has the slot of these keys")

    def _lost(self, problems: list[str]) -> ConnectionError:
        return ConnectionError(f"{self._address.shown} does not say where the data are: {'; '.join(problems)}")


class _Led:
    """A connection that asks where it leads, and ends when that is not there any more."""

    host: str
    port: int

    def __init__(self, *, place: Place, **given: Any) -> None:
        self._place = place
        super().__init__(**given)

    def _connect(self) -> Any:
        self.host, self.port = self._place.find()
        return super()._connect()  # type: ignore[misc]  # of the connection beside this class

    def read_response(self, *args: Any, **options: Any) -> Any:
        """As redis-py's; raises ``ConnectionError`` where the data are elsewhere."""
        try:
            return super().read_response(*args, **options)  # type: ignore[misc]
        except ELSEWHERE as error:
            self._place.doubt()
            self.disconnect()  # type: ignore[attr-defined]
            raise ConnectionError(f"the data are elsewhere now: {error}") from error


class _AsyncLed:
    """The same for an event loop."""

    host: str
    port: int

    def __init__(self, *, place: Place, **given: Any) -> None:
        self._place = place
        super().__init__(**given)

    async def _connect(self) -> Any:
        self.host, self.port = await self._place.find_async()
        return await super()._connect()  # type: ignore[misc]

    async def read_response(self, *args: Any, **options: Any) -> Any:
        """As redis-py's; raises ``ConnectionError`` where the data are elsewhere."""
        try:
            return await super().read_response(*args, **options)  # type: ignore[misc]
        except ELSEWHERE as error:
            self._place.doubt()
            await self.disconnect()  # type: ignore[attr-defined]
            raise ConnectionError(f"the data are elsewhere now: {error}") from error


class _Placed(_Led, redis.Connection):
    """Without TLS."""


class _PlacedTls(_Led, redis.SSLConnection):
    """With TLS."""


class _AsyncPlaced(_AsyncLed, redis.asyncio.Connection):
    """Without TLS, for an event loop."""


class _AsyncPlacedTls(_AsyncLed, redis.asyncio.SSLConnection):
    """With TLS, for an event loop."""
