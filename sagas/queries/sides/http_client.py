"""A side that is an HTTP API: several requests at a time, each bounded; what was not answered counts as not read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import orjson
import urllib3
from urllib3.exceptions import HTTPError

from reliability.kernel.text import printable
from sagas.domain.reconciling.definition import Looked, SideError
from sagas.domain.reconciling.pair import Row
from sagas.queries.sides import deadline

KEYS_MAX: Final = 50
"""Asked for in one request, and no more than fit into ``ADDRESS_CHARACTERS_MAX``, which every server takes."""
ADDRESS_CHARACTERS_MAX: Final = 6_000
PAGE: Final = 1_000
PART_BYTES: Final = 65_536
BODY_BYTES_MAX: Final = 32 * 1024 * 1024  # of one answer; a page of a thousand rows is far below


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpApi:
    """What an API answers; see ``http_api``."""

    what: str
    url: str | Callable[[], str]
    key: str
    parameter: str
    headers: Callable[[], Mapping[str, str]]
    timeout_s: float
    parallel: int
    streams: bool
    looks_up: bool = True
    _http: urllib3.PoolManager = field(default_factory=deadline.pool, repr=False)

    def stream(self) -> Iterator[tuple[str, Row]]:
        """Yield every row, page by page behind the last key; raises ``SideError``."""
        after: str | None = ""
        while after is not None:
            told = {"limit": str(PAGE)} | ({"after": after} if after else {})
            body = self._ask(list(told.items()))
            items = self._items(body)
            if body.get("complete") is False:
                raise SideError(f"{self.what} says that its answer is not whole")
            if not items and body.get("next") is not None:
                raise SideError(f"{self.what} answered with nothing, and says that there is more")
            yield from items
            before, after = after, body.get("next")
            if after is not None and (not isinstance(after, str) or after <= before):
                raise SideError(f"{self.what} names {printable(repr(after), limit=60)} as its next key: no later one")

    def lookup(self, keys: Sequence[str]) -> Looked:
        """Return the rows of some keys, asked for in parallel. A request that fails leaves its keys unread, alone."""
        parts = list(self._parts(keys))
        with ThreadPoolExecutor(max_workers=max(1, min(self.parallel, len(parts)))) as pool:
            answers = list(pool.map(self._look, parts))
        rows: dict[str, Sequence[Row]] = {}
        unread: dict[str, str] = {}
        for each in answers:
            rows |= each.rows
            unread |= each.unread
        return Looked(rows=rows, unread=unread)

    def _look(self, keys: Sequence[str]) -> Looked:
        try:
            body = self._ask([(self.parameter, key) for key in keys])
            found: dict[str, list[Row]] = defaultdict(list)
            for key, row in self._items(body):
                found[key].append(row)
        except SideError as error:
            return Looked(unread=dict.fromkeys(keys, str(error)))
        # Only an answer that is whole says that there is nothing.
        whole = body.get("complete", True) is True and body.get("next") is None
        missing = [] if whole else [key for key in keys if key not in found]
        return Looked(rows=found, unread=dict.fromkeys(missing, f"{self.what} answered in part"))

    def _items(self, body: Mapping[str, Any]) -> list[tuple[str, Row]]:
        items = body.get("items")
        if not isinstance(items, list):
            raise SideError(f'{self.what} answered without a list of "items"')
        found: list[tuple[str, Row]] = []
        for item in items:
            if not isinstance(item, dict) or not isinstance(item.get(self.key), str):
                raise SideError(f"{self.what} answered with an item that has no text {self.key!r}")
            found.append((item[self.key], {name: value for name, value in item.items() if name != self.key}))
        return found

    def _ask(self, asked: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
        url = self.url if isinstance(self.url, str) else self.url()
        if urlsplit(url).scheme not in ("http", "https"):
            raise SideError(f"{self.what}: its address is neither http nor https")
        address = f"{url}{'&' if '?' in url else '?'}{urlencode(asked)}"
        with deadline.within(self.timeout_s) as time:
            try:
                body = b"".join(self._answer(address))
                if time.is_over:  # its end may be that of the socket
                    raise SideError(f"{self.what} did not answer: not within {self.timeout_s:g} s")
                return self._parsed(body)
            except (HTTPError, OSError, ValueError, AttributeError) as error:
                # What a socket that was shut in the middle raises depends on where it was read.
                if time.is_over:
                    raise SideError(f"{self.what} did not answer: not within {self.timeout_s:g} s") from error
                if not isinstance(error, HTTPError | OSError):
                    raise
                raise SideError(f"{self.what} did not answer: {_told(error, self.timeout_s)}") from error

    def _answer(self, address: str) -> Iterator[bytes]:
        response = self._http.request(
            "GET",
            address,
            headers={"Accept": "application/json", **self.headers()},
            timeout=urllib3.Timeout(total=self.timeout_s),
            retries=False,  # a redirect could lead anywhere; the next look is the next try
            redirect=False,
            preload_content=False,
        )
        try:
            if response.status != 200:
                raise SideError(f"{self.what} answered {response.status}")
            size = 0
            while part := response.read1(PART_BYTES):
                size += len(part)
                if size > BODY_BYTES_MAX:
                    raise SideError(f"{self.what} answered with more than {BODY_BYTES_MAX:,} bytes")
                yield part
        finally:
            response.close()  # what was not read to its end is no connection to keep

    def _parsed(self, body: bytes) -> Mapping[str, Any]:
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise SideError(f"{self.what} answered with what is no JSON: {error}") from error
        if not isinstance(found, dict):
            raise SideError(f"{self.what} answered with what is no JSON object")
        return found

    def _parts(self, keys: Sequence[str]) -> Iterator[list[str]]:
        part: list[str] = []
        size = 0
        for key in keys:
            cost = len(urlencode([(self.parameter, key)])) + 1
            if part and (len(part) == KEYS_MAX or size + cost > ADDRESS_CHARACTERS_MAX):
                yield part
                part, size = [], 0
            part.append(key)
            size += cost
        if part:
            yield part


def _told(error: Exception, timeout_s: float) -> str:
    """An error in words, without the address in it, which may hold a secret."""
    if isinstance(error, urllib3.exceptions.NewConnectionError | ConnectionRefusedError):  # a kind of time-out there
        return "nobody listens there"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return f"not within {timeout_s:g} s"
    return type(error).__name__


def _no_headers() -> Mapping[str, str]:
    return {}


def http_api(
    what: str,
    *,
    url: str | Callable[[], str],
    key: str,
    parameter: str,
    headers: Callable[[], Mapping[str, str]] = _no_headers,
    timeout_s: float = 5.0,
    parallel: int = 4,
    streams: bool = False,
) -> HttpApi:
    """Return a side that asks an HTTP API.

    ``GET url?parameter=key&parameter=key`` answers ``{"items": [{key: ..., ...}]}`` with the rows of those keys, and
    ``"complete": false`` when it has not all of them. ``streams``: ``GET url?after=key&limit=1000`` answers the rows
    behind a key in the order of the keys' bytes, all rows of a key together, and ``"next"``, the last key or null.
    ``headers`` returns what to send along, such as a token. ``timeout_s`` is for one request, ``parallel`` how many
    are under way at once.
    """
    return HttpApi(
        what=what,
        url=url,
        key=key,
        parameter=parameter,
        headers=headers,
        timeout_s=timeout_s,
        parallel=parallel,
        streams=streams,
    )
