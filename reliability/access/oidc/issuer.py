"""What an identity provider says of itself, and its keys: kept for a while, asked anew when a key is not known."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from reliability.access.oidc import asking
from reliability.access.oidc.config import Config
from reliability.access.oidc.refusals import NotProven, NotReached
from reliability.kernel import clock

T = TypeVar("T")
KEPT_S = 600.0
KEYS_AGAIN_S = 10.0
"""A key that is not known has the provider asked at most so often: tokens with invented keys cost it nothing."""
FAILED_FOR_S = 5.0
"""So long after a failure nobody waits for the provider again."""
MOST_WAITING = 3
MOST_KEYS = 50
WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The addresses of a provider; "" for what it does not offer."""

    authorization: str
    token: str
    jwks: str
    userinfo: str
    end_session: str
    takes_basic: bool


@dataclass(slots=True, eq=False)
class Issuer:
    """One provider, as this process knows it. Its clock is monotonic: it only ever measures how old things are."""

    config: Config
    time: clock.Clock | None = None
    _metadata: tuple[float, Metadata] | None = None
    _keys: tuple[float, tuple[dict[str, Any], ...]] | None = None
    _failed: tuple[float, str] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: threading.Semaphore = field(default_factory=lambda: threading.BoundedSemaphore(MOST_WAITING))

    def metadata(self) -> Metadata:
        """Its addresses; raises ``NotReached``."""
        kept = self._metadata
        if kept is None or self._age_s(kept[0]) > KEPT_S:
            with self._alone():
                kept = self._metadata
                if kept is None or self._age_s(kept[0]) > KEPT_S:
                    kept = self._metadata = (self._now_s(), self._careful(self._read_metadata))
        return kept[1]

    def key(self, *, kid: str | None, algorithm: str) -> dict[str, Any]:
        """The public key that a token names, or the only one that fits; raises ``NotProven``, ``NotReached``."""
        jwks, kept = self.metadata().jwks, self._keys
        if kept is None or self._age_s(kept[0]) > KEPT_S or not _fitting(kept[1], kid, algorithm):
            with self._alone():
                kept = self._keys
                if kept is None or self._age_s(kept[0]) > KEPT_S:
                    kept = self._keys = self._read_keys(jwks)
                if not _fitting(kept[1], kid, algorithm) and self._age_s(kept[0]) > KEYS_AGAIN_S:
                    kept = self._keys = self._read_keys(jwks)
        found = _fitting(kept[1], kid, algorithm)
        if len(found) != 1:
            raise NotProven(f"{len(found)} keys of the provider fit the token's kid and {algorithm}")
        return found[0]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One asks; a few wait a little for what it finds. More must not: each of them holds a turn of the console."""
        if not self._lock.acquire(blocking=False):
            if not self._waiting.acquire(blocking=False):
                raise NotReached(f"{MOST_WAITING} sign-ins wait for another one's question already")
            try:
                got = self._lock.acquire(timeout=asking.TURN_WITHIN_S)
            finally:
                self._waiting.release()
            if not got:
                raise NotReached("another sign-in waits for the provider's answer")
        try:
            yield
        finally:
            self._lock.release()

    def _read_keys(self, jwks: str) -> tuple[float, tuple[dict[str, Any], ...]]:
        listed = self._careful(lambda: asking.get(self.config, jwks)).get("keys")
        if not isinstance(listed, list) or len(listed) > MOST_KEYS:
            raise NotReached("the provider's keys are no list, or too many")
        return self._now_s(), tuple(key for key in listed if isinstance(key, dict))

    def _careful(self, ask: Callable[[], T]) -> T:
        """Ask, but not right after a failure: strangers must not have the console wait for a dead provider."""
        if self._failed is not None and self._age_s(self._failed[0]) < FAILED_FOR_S:
            raise NotReached(f"a moment ago: {self._failed[1]}")
        try:
            found = ask()
        except NotReached as error:
            self._failed = (self._now_s(), error.why)
            raise
        self._failed = None
        return found

    def _read_metadata(self) -> Metadata:
        told = asking.get(self.config, self.config.issuer.rstrip("/") + WELL_KNOWN)
        if told.get("issuer") != self.config.issuer:
            raise NotReached(f"the provider calls itself {str(told.get('issuer'))[:200]}, not {self.config.issuer}")
        methods = told.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])

        def address(name: str, *, needed: bool = False) -> str:
            given = told.get(name)
            return asking.check_address(self.config, given, what=name) if given or needed else ""

        return Metadata(
            authorization=address("authorization_endpoint", needed=True),
            token=address("token_endpoint", needed=True),
            jwks=address("jwks_uri", needed=True),
            userinfo=address("userinfo_endpoint"),
            end_session=address("end_session_endpoint"),
            takes_basic=isinstance(methods, list) and "client_secret_basic" in methods,
        )

    def _now_s(self) -> float:
        return (self.time or clock.SYSTEM).monotonic()

    def _age_s(self, at_s: float) -> float:
        return self._now_s() - at_s


def _fitting(keys: tuple[dict[str, Any], ...], kid: str | None, algorithm: str) -> list[dict[str, Any]]:
    kind = {"R": "RSA", "P": "RSA", "E": "OKP" if algorithm == "EdDSA" else "EC"}[algorithm[0]]
    return [
        key
        for key in keys
        if key.get("kty") == kind
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.get("kid") == kid)
    ]


@lru_cache(maxsize=4)
def issuer_of(config: Config) -> Issuer:
    """The provider of this configuration; a process has one."""
    return Issuer(config)
