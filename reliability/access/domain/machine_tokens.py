"""What machines carry for minutes: signed access tokens (JWT, HS256), and refresh tokens that each count once.

The console alone makes and reads them, so one secret does: a key derived from the console's own, named by its ``kid``.
Whoever changes the console's secret keeps the one before for reading until what it signed is over.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import Any

import jwt

from reliability.access.domain.roles import Role

ISSUER, AUDIENCE, TYPE, ALGORITHM = "mainstay", "mainstay-api", "at+jwt", "HS256"
ACCESS_LIFE = timedelta(minutes=10)
REFRESH_LIFE = timedelta(hours=24)
FAMILY_LIFE = timedelta(days=30)
"""However often it is refreshed: then the machine shows its API token again."""
REFRESH_PREFIX = "msr_"
LONGEST_ACCESS = 16 * 1024
_SKEW = timedelta(seconds=5)
_PURPOSE = b"mainstay machine access tokens 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A secret for this one purpose, and its name."""

    kid: str
    secret: bytes

    @staticmethod
    def of(console_secret: str) -> SigningKey:
        """Derived, so that what leaks here opens nothing else."""
        secret = hmac.new(console_secret.encode(), _PURPOSE, hashlib.sha256).digest()
        return SigningKey(kid=hashlib.sha256(_PURPOSE + secret).hexdigest()[:12], secret=secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What an access token says: whose, of which family, and the bounds that it had when it was made."""

    account: str
    family: int
    role: Role
    topic_scopes: tuple[str, ...] | None
    acts: frozenset[str] | None
    expires_at: datetime


class NotOurs(Exception):
    """The text is no access token of ours that counts now."""


def signed(access: Access, *, key: SigningKey, jti: str, now: datetime) -> str:
    """The token."""
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": access.account,
        "jti": jti,
        "fam": access.family,
        "role": access.role.value,
        "scopes": None if access.topic_scopes is None else list(access.topic_scopes),
        "acts": None if access.acts is None else sorted(access.acts),
        "iat": int(now.timestamp()),
        "nbf": int(now.timestamp()),
        "exp": int(access.expires_at.timestamp()),
    }
    return jwt.encode(claims, key.secret, algorithm=ALGORITHM, headers={"kid": key.kid, "typ": TYPE})


def read(text: str, *, keys: Sequence[SigningKey], now: datetime) -> Access:
    """Return what a token says that one of these keys signed and whose time it is; raises ``NotOurs``.

    The family must be looked up besides: it may be revoked.
    """
    if len(text) > LONGEST_ACCESS or not text.isascii():
        raise NotOurs
    try:
        header = jwt.get_unverified_header(text)
        key = next((each for each in keys if compare_digest(each.kid.encode(), str(header.get("kid")).encode())), None)
        if key is None or header.get("alg") != ALGORITHM or header.get("typ") != TYPE or "crit" in header:
            raise NotOurs
        claims = json.loads(jwt.PyJWS(algorithms=[ALGORITHM]).decode(text, key.secret, algorithms=[ALGORITHM]))
        return _understood(claims, now=now)
    except (jwt.PyJWTError, KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise NotOurs from error


def _understood(claims: Mapping[str, Any], *, now: datetime) -> Access:
    if claims["iss"] != ISSUER or claims["aud"] != AUDIENCE:
        raise NotOurs
    expires_at, begins_at = (datetime.fromtimestamp(claims[name], UTC) for name in ("exp", "nbf"))
    if now >= expires_at or begins_at > now + _SKEW or expires_at - begins_at > ACCESS_LIFE + _SKEW:
        raise NotOurs
    return Access(
        account=str(claims["sub"]),
        family=int(claims["fam"]),
        role=Role(claims["role"]),
        topic_scopes=_words(claims["scopes"]),
        acts=None if claims["acts"] is None else frozenset(_words(claims["acts"]) or ()),
        expires_at=expires_at,
    )


def _words(value: Collection[Any] | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(str(each) for each in value)
