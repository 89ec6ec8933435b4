"""What a forger sends in the provider's place, or a broken provider by itself: nobody comes in, with a sentence."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from django.contrib.auth import get_user_model
from django.test import Client
from pytest_django import Settings

from reliability.kernel import clock
from tests.integration.access.oidc.conftest import Visitor
from tests.support.forged_provider import (
    Claims,
    ForgedProvider,
    ec_key,
    signed,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.integration.access.urls")]


def is_refused(visitor: Visitor, status: int = 401) -> None:
    """Nobody is signed in, nothing is made, and a sentence says so."""
    answer = visitor.signs_in()
    page = answer.content.decode()  # type: ignore[attr-defined]  # a rendered page
    assert answer.status_code == status, page
    assert "You are not signed in" in page
    assert "To the sign-in page" in page
    assert visitor.name == ""
    assert not get_user_model().objects.exists()


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def without_signature(provider: ForgedProvider, claims: Claims) -> str:
    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}."


def with_empty_signature(provider: ForgedProvider, claims: Claims) -> str:
    return f"{part({'alg': 'RS256', 'kid': provider.keys[-1].kid})}.{part(claims)}."


def with_the_public_key_as_secret(provider: ForgedProvider, claims: Claims) -> str:
    public = provider.keys[-1].private.public_key()
    secret = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head, body = part({"alg": "HS256", "kid": provider.keys[-1].kid}), part(claims)
    signature = jwt.get_algorithm_by_name("HS256").sign(f"{head}.{body}".encode(), secret)
    return f"{head}.{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def by_a_key_of_its_own(provider: ForgedProvider, claims: Claims) -> str:
    key = ec_key(provider.keys[-1].kid)
    headers = {"kid": key.kid, "jwk": key.public, "jku": f"{provider.issuer}/mine", "x5u": f"{provider.issuer}/mine"}
    return jwt.encode(claims, key.private, algorithm="ES256", headers=headers)


def changed_afterwards(provider: ForgedProvider, claims: Claims) -> str:
    head, _, signature = signed(provider, claims).split(".")
    return f"{head}.{part({**claims, 'groups': ['leads']})}.{signature}"


def with_a_critical_header(provider: ForgedProvider, claims: Claims) -> str:
    key = provider.keys[-1]
    return jwt.encode(claims, key.private, "RS256", headers={"kid": key.kid, "crit": ["exp"], "exp": 1})


def by_hand(provider: ForgedProvider, claims: Claims) -> str:
    """As it should be, but for what the library would warn of."""
    text = f"{part({'alg': 'RS256', 'kid': provider.keys[-1].kid})}.{part(claims)}"
    signature = jwt.get_algorithm_by_name("RS256").sign(text.encode(), provider.keys[-1].private)
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


FORGERIES: list[Callable[[ForgedProvider, Claims], str]] = [
    without_signature,
    with_empty_signature,
    with_the_public_key_as_secret,
    by_a_key_of_its_own,
    changed_afterwards,
    with_a_critical_header,
]


@pytest.mark.parametrize("sign", FORGERIES, ids=lambda each: each.__name__)
def test_a_token_that_the_provider_did_not_sign_is_refused(visitor: Visitor, sign: Callable[..., str]) -> None:
    visitor.provider.sign = sign

    is_refused(visitor)


@pytest.mark.parametrize(
    "text", ["", "x", "a.b", "a.b.c", "..", "é.é.é", "a" * 70_000, "\x00.\x00.\x00", f"{part([])}.{part([])}.x"]
)
def test_what_is_no_token_is_refused(visitor: Visitor, text: str) -> None:
    visitor.provider.sign = lambda provider, claims: text

    is_refused(visitor)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": ["another", "mainstay"]},
        {"aud": ["mainstay", "another"], "azp": "another"},
        {"azp": "another"},
        {"aud": {"mainstay": 1}},
        {"nonce": "of another sign-in"},
        {"nonce": ""},
        {"nonce": ["x"]},
        {"exp": 1},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 1e300},
        {"iat": 9_999_999_999},
        {"nbf": 9_999_999_999},
        {"iat": 1_000_000},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a\x00b"},
        {"sub": "a" * 256},
        {"sub": "\ud800"},
    ],
    ids=repr,
)
def test_wrong_claims_are_refused(visitor: Visitor, claims: Claims) -> None:
    visitor.provider.claims = claims

    is_refused(visitor)


@pytest.mark.parametrize("name", ["iss", "aud", "nonce", "exp", "iat", "sub"])
def test_missing_claims_are_refused(visitor: Visitor, name: str) -> None:
    visitor.provider.left_out = (name,)

    is_refused(visitor)


@pytest.mark.parametrize(("off_s", "let_in"), [(-50, True), (50, True), (-3000, False), (3000, False)])
def test_clocks_may_differ_by_a_minute(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch, off_s: int, let_in: bool
) -> None:
    code, asked = visitor.provider.authorize(visitor.sent())
    now = clock.SYSTEM.now()
    monkeypatch.setattr(clock, "SYSTEM", clock.ManualClock(now + timedelta(seconds=off_s)))
    token = visitor.provider.token(asked["nonce"])
    monkeypatch.undo()
    visitor.provider.sign = lambda provider, claims: token

    assert (visitor.comes_back(code=code, state=asked["state"]).status_code == 302) is let_in


def test_a_token_of_another_sign_in_is_refused(visitor: Visitor) -> None:
    """Stolen from one browser, played into another."""
    _, theirs = visitor.provider.authorize(Visitor(Client(), visitor.provider).sent())
    stolen = visitor.provider.token(theirs["nonce"])
    visitor.provider.sign = lambda provider, claims: stolen

    is_refused(visitor)


def test_a_code_that_was_used_is_refused(visitor: Visitor) -> None:
    code, asked = visitor.provider.authorize(visitor.sent())
    assert visitor.comes_back(code=code, state=asked["state"]).status_code == 302
    visitor.client.logout()
    _, again = visitor.provider.authorize(visitor.sent())

    assert visitor.comes_back(code=code, state=again["state"]).status_code == 401
    assert visitor.name == ""


def test_a_code_of_another_browser_is_refused(visitor: Visitor) -> None:
    """PKCE: whoever caught the code has not the verifier."""
    code, _ = visitor.provider.authorize(Visitor(Client(), visitor.provider).sent())
    _, own = visitor.provider.authorize(visitor.sent())

    assert visitor.comes_back(code=code, state=own["state"]).status_code == 401
    assert visitor.name == ""


def test_a_state_counts_once_and_in_its_own_browser(visitor: Visitor) -> None:
    code, asked = visitor.provider.authorize(visitor.sent())
    other = Visitor(Client(), visitor.provider)
    assert other.comes_back(code=code, state=asked["state"]).status_code == 401
    assert code in visitor.provider.codes  # nobody asked for it

    assert visitor.comes_back(code="wrong", state=asked["state"]).status_code == 401
    assert visitor.comes_back(code=code, state=asked["state"]).status_code == 401
    assert visitor.name == ""


def test_a_state_that_waited_too_long_is_refused(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    code, asked = visitor.provider.authorize(visitor.sent())
    later = time.time() + 700
    monkeypatch.setattr("allauth.socialaccount.internal.statekit.time.time", lambda: later)

    assert visitor.comes_back(code=code, state=asked["state"]).status_code == 401


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"code": "x"},
        {"state": "x"},
        {"code": "x", "state": "nobody's"},
        {"code": "x" * 5000, "state": "x"},
        {"error": "server_error", "state": "x"},
        {"code": ["a", "b"], "state": "x"},
        {"code": "\x00", "state": "\x00"},
        {"code": "x", "state": "x", "iss": "https://evil.example"},
    ],
    ids=repr,
)
def test_an_answer_that_fits_no_question_is_refused(visitor: Visitor, parameters: dict[str, str]) -> None:
    answer = visitor.client.get("/accounts/sso/callback/", parameters)

    assert answer.status_code == 401
    assert visitor.provider.asked == []


def test_an_answer_cannot_be_posted(visitor: Visitor) -> None:
    assert visitor.client.post("/accounts/sso/callback/", {"code": "x"}).status_code == 405


def test_who_cancels_reads_so_and_an_error_of_the_provider_is_not_echoed(visitor: Visitor) -> None:
    _, asked = visitor.provider.authorize(visitor.sent())
    answer = visitor.client.get("/accounts/sso/callback/", {"error": "access_denied", "state": asked["state"]})
    assert "cancelled" in answer.content.decode()

    _, asked = visitor.provider.authorize(visitor.sent())
    told = {"error": "x<script>", "error_description": "<b>evil</b>", "state": asked["state"]}
    page = visitor.client.get("/accounts/sso/callback/", told).content.decode()
    assert "evil" not in page
    assert "script" not in page


def test_userinfo_about_somebody_else_is_refused(visitor: Visitor, settings: Settings) -> None:
    settings.MAINSTAY_OIDC["userinfo"] = True
    visitor.provider.userinfo = {"sub": "u-2", "groups": ["leads"]}

    is_refused(visitor)
