"""What an ID token must prove (OpenID Connect Core, 3.1.3.7). allauth leaves out the nonce and, here, the signature."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any

import jwt
import orjson

from reliability.access.oidc.issuer import Issuer
from reliability.access.oidc.refusals import NotProven

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Only those with a key pair: ``none`` and HMAC would let anybody who knows the public key, or nothing, sign."""
LONGEST_TOKEN = 64 * 1024
LONGEST_SUBJECT = 255  # as OpenID Connect says
SMALLEST_RSA_BITS = 2048
OLDEST = timedelta(minutes=15)


def verified(token: object, *, issuer: Issuer, nonce: str, now: datetime) -> dict[str, Any]:
    """Return the claims of a token that is the issuer's, for this console, for this very sign-in, and not too old.

    Raises ``NotProven``; ``NotReached`` when the keys cannot be had.
    """
    config = issuer.config
    claims = _signed(token, issuer)
    if claims.get("iss") != config.issuer:
        raise NotProven(f"iss is {str(claims.get('iss'))[:200]}")
    _check_audience(claims, config.client_id)
    if not nonce or not compare_digest(str(claims.get("nonce", "")).encode("utf-8", "replace"), nonce.encode()):
        raise NotProven("the nonce is not that of this sign-in")
    _check_times(claims, now=now, skew=timedelta(seconds=config.skew_s))
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or "\x00" in subject:
        raise NotProven("sub is no usable subject")
    return claims


def _signed(token: object, issuer: Issuer) -> dict[str, Any]:
    if not isinstance(token, str) or not token or len(token) > LONGEST_TOKEN:
        raise NotProven("there is no ID token, or one that is too long")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise NotProven(f"the ID token cannot be read: {error}") from error
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS or header.get("crit") is not None:
        raise NotProven(f"the ID token is signed with {str(algorithm)[:40]}, which is not accepted")
    if kid is not None and not isinstance(kid, str):
        raise NotProven("kid is no text")
    # Nothing else of the header counts: not jku, x5u, jwk nor x5c, by which a token would bring its own key.
    public = issuer.key(kid=kid, algorithm=algorithm)
    try:
        key = jwt.PyJWK(public, algorithm=algorithm)
        if getattr(key.key, "key_size", SMALLEST_RSA_BITS) < SMALLEST_RSA_BITS and public.get("kty") == "RSA":
            raise NotProven(f"the provider's key has fewer than {SMALLEST_RSA_BITS} bits")
        claims = orjson.loads(jwt.PyJWS(algorithms=list(ALGORITHMS)).decode(token, key, algorithms=[algorithm]))
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise NotProven(f"the signature of the ID token does not hold: {error}") from error
    if not isinstance(claims, dict):
        raise NotProven("the ID token holds no claims")
    return claims


def _check_audience(claims: Mapping[str, Any], client_id: str) -> None:
    audience = claims.get("aud")
    listed = audience if isinstance(audience, list) else [audience]
    if client_id not in listed:
        raise NotProven("the ID token is for another client")
    if (len(listed) > 1 or "azp" in claims) and claims.get("azp") != client_id:
        raise NotProven("the ID token was given to another client")


def _check_times(claims: Mapping[str, Any], *, now: datetime, skew: timedelta) -> None:
    def instant(name: str) -> float:
        value = claims.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e11:
            raise NotProven(f"{name} is no time")
        return float(value)

    at, slack = now.timestamp(), skew.total_seconds()
    if at >= instant("exp") + slack:
        raise NotProven("the ID token has expired")
    if instant("iat") > at + slack or ("nbf" in claims and instant("nbf") > at + slack):
        raise NotProven("the ID token is not valid yet: do the clocks of both sides agree?")
    if instant("iat") < at - OLDEST.total_seconds() - slack:
        raise NotProven("the ID token was made long ago")
