"""Access tokens of machines: what is ours is read, what was tampered with is not."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from reliability.access import Role
from reliability.access.domain import machine_tokens
from reliability.access.domain.machine_tokens import ACCESS_LIFE, Access, NotOurs, SigningKey, read, signed

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEY = SigningKey.of("the console's secret, long enough")
OLD = SigningKey.of("the secret before it, long enough")
SAID = Access(
    account="ana",
    family=7,
    role=Role.OPERATOR,
    topic_scopes=("orders*",),
    acts=frozenset({"letters.view"}),
    expires_at=NOW + ACCESS_LIFE,
)


def token(key: SigningKey = KEY) -> str:
    return signed(SAID, key=key, jti="x", now=NOW)


def changed(header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A token with other words, well signed by our own key."""
    said = {**jwt.decode(token(), options={"verify_signature": False}), **claims}
    given = {"kid": KEY.kid, "typ": machine_tokens.TYPE, **(header or {})}
    return jwt.PyJWS().encode(json.dumps(said).encode(), KEY.secret, algorithm="HS256", headers=given)


def is_refused(text: str, *, now: datetime = NOW) -> None:
    with pytest.raises(NotOurs):
        read(text, keys=[KEY, OLD], now=now)


def test_what_was_signed_is_read() -> None:
    assert read(token(), keys=[KEY], now=NOW) == SAID


def test_a_token_of_the_key_before_counts_as_long_as_that_key_is_named() -> None:
    assert read(token(OLD), keys=[KEY, OLD], now=NOW).account == "ana"
    with pytest.raises(NotOurs):
        read(token(OLD), keys=[KEY], now=NOW)


def test_the_key_is_not_the_consoles_secret_and_its_name_tells_nothing_of_it() -> None:
    assert KEY.secret != b"the console's secret, long enough"
    assert KEY.kid not in KEY.secret.hex()


@pytest.mark.parametrize("at", [NOW + ACCESS_LIFE, NOW + timedelta(days=1), NOW - timedelta(minutes=1)])
def test_it_counts_for_its_time_only(at: datetime) -> None:
    is_refused(token(), now=at)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "header",
    [{"alg": "none"}, {"alg": "None"}, {"alg": "RS256"}, {"alg": "HS512"}, {}, {"alg": ["HS256"]}, {"alg": "HS256"}],
    ids=repr,
)
def test_an_algorithm_that_is_not_the_one_is_refused(header: dict[str, Any]) -> None:
    _, body, signature = token().split(".")
    for end in ("", signature):
        is_refused(f"{part({'kid': KEY.kid, 'typ': machine_tokens.TYPE, **header})}.{body}.{end}") if header != {
            "alg": "HS256"
        } or not end else None


@pytest.mark.parametrize("place", range(3))
def test_a_changed_letter_breaks_it(place: int) -> None:
    parts = token().split(".")
    parts[place] = ("B" if parts[place][5] == "A" else "A").join([parts[place][:5], parts[place][6:]])

    is_refused(".".join(parts))


def test_a_role_that_was_raised_afterwards_is_refused() -> None:
    head, body, signature = token().split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=="))

    is_refused(f"{head}.{part({**said, 'role': 'admin', 'scopes': None, 'acts': None})}.{signature}")


@pytest.mark.parametrize(
    "kid", ["", "../../etc/passwd", "' OR 1=1", OLD.kid, "é", "x" * 5000, None, 7, ["a"], {"a": 1}], ids=repr
)
def test_the_name_of_a_key_leads_nowhere_else(kid: Any) -> None:
    head = part({"alg": "HS256", "typ": machine_tokens.TYPE, "kid": kid})
    _, body, signature = token().split(".")

    is_refused(f"{head}.{body}.{signature}")


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": ["mainstay-api"]},
        {"iss": "another"},
        {"exp": 4_000_000_000},  # longer than any of ours lives
        {"exp": "soon"},
        {"exp": None},
        {"exp": 1e300},
        {"nbf": 4_000_000_000},
        {"role": "root"},
        {"role": None},
        {"fam": "x"},
        {"fam": None},
        {"scopes": 7},
    ],
    ids=repr,
)
def test_claims_that_are_not_ours_are_refused_though_our_key_signed_them(claims: dict[str, Any]) -> None:
    is_refused(changed(**claims))


@pytest.mark.parametrize("header", [{"typ": "JWT"}, {"typ": None}, {"crit": ["b64"], "b64": False}], ids=repr)
def test_headers_that_are_not_ours_are_refused(header: dict[str, Any]) -> None:
    is_refused(changed(header))


@pytest.mark.parametrize(
    "text", ["", "..", "a.b.c", "é.é.é", "\x00.\x00.\x00", "a" * 20_000, "a.b.c.d", f"{part([])}.."]
)
def test_what_is_no_token_is_refused(text: str) -> None:
    is_refused(text)


def test_what_another_purpose_signed_with_the_consoles_secret_is_refused() -> None:
    said = jwt.decode(token(), options={"verify_signature": False})
    secret = "the console's secret, long enough"

    is_refused(jwt.encode(said, secret, "HS256", headers={"kid": KEY.kid, "typ": machine_tokens.TYPE}))
