"""Every route asks who is there: no page, fragment or API route answers a stranger, but those listed here."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from reliability import access
from reliability.access import Role
from tests.support import actors

pytestmark = pytest.mark.django_db

# What anybody may ask, and why. Never figures, names or texts of records.
OPEN = {
    "accounts/login/": "the way in",
    "accounts/logout/": "sends a stranger to the way in",
    "accounts/inactive/": "says that an account is disabled",
    "accounts/second-factor/": "leads to a page that asks",
    "accounts/second-factor/authenticate/": "the way in after a password; sends a stranger to its begin",
    "accounts/signed-out/": "says that a session ended",
    "accounts/sso/": "the way in by an identity provider; not there without one",
    "accounts/sso/callback/": "the way back; lets in whom the provider proves",
    "demo/pager/": "the demo's own receiver of alerts: a signature instead of an account",
    "health/live": "asked by an orchestrator that has no account",
    "health/ready": "the same",
    "metrics": "asked by a scraper; counts only",
    "api/v1/openapi.json": "the description of the API",
    "api/v1/": "has nothing to show",
}
# Guarded by something else than ``@requires``.
GUARDED_OTHERWISE = {
    "accounts/password/change/": "allauth asks for a session",
    **dict.fromkeys(
        (
            "accounts/reauthenticate/",
            "accounts/second-factor/reauthenticate/",
            "accounts/second-factor/app/",
            "accounts/second-factor/app/end/",
            "accounts/second-factor/codes/",
            "accounts/second-factor/codes/new/",
        ),
        "allauth asks for a session",
    ),
    "live/versions": "asks for each topic's right",
    "replays/": "the list takes letters.view, an approval letters.replay: each has its own guarded view",
    "discards/": "the list takes letters.view, a discard letters.discard: each has its own guarded view",
}
SAMPLES = {"int": "1", "slug": "a", "str": "a", "path": "a", "key": "a", "uuid": "00000000-0000-0000-0000-000000000001"}


def routes(
    patterns: list[URLPattern | URLResolver] | None = None, prefix: str = ""
) -> Iterator[tuple[str, URLPattern]]:
    for pattern in get_resolver("reliability.urls").url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route, pattern


def address(route: str) -> str:
    return "/" + re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLES[found[1] or "str"], route)


PAGES = [(route, pattern) for route, pattern in routes() if not route.startswith("api/") and route not in OPEN]
API = [route for route, _ in routes() if route.startswith("api/") and route not in OPEN]
VISITED = [route for route, _ in routes() if not route.startswith("api/")]


@pytest.mark.parametrize(("route", "pattern"), PAGES, ids=[route for route, _ in PAGES])
def test_a_page_names_the_right_it_takes(route: str, pattern: URLPattern) -> None:
    act = getattr(pattern.callback, "required_act", None)

    assert act in access.RIGHTS or route in GUARDED_OTHERWISE


@pytest.mark.parametrize("route", [route for route, _ in PAGES])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_page_does_not_answer_a_stranger(client: Client, route: str, method: str) -> None:
    answer = getattr(client, method)(address(route))

    sent_to_login = answer.status_code == 302 and answer["Location"].startswith("/accounts/login/")
    assert sent_to_login or answer.status_code in (401, 403, 405), answer.status_code


@pytest.mark.parametrize("route", VISITED)
def test_a_page_answers_head_like_get(client: Client, route: str) -> None:
    for signed_in in (False, True):
        if signed_in:
            user = actors.account(Role.ADMIN).user
            user.set_password(actors.PASSWORD)
            user.save()
            client.force_login(user)
        asked, looked = client.get(address(route)), client.head(address(route))
        assert looked.status_code == asked.status_code
        assert looked.headers.get("Location") == asked.headers.get("Location")


@pytest.mark.parametrize("route", API)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("token", [None, "mst_wrong"])
def test_the_api_does_not_answer_a_stranger(client: Client, route: str, method: str, token: str | None) -> None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = client.generic(method, address(route), b"{}", content_type="application/json", headers=headers)

    assert answer.status_code in (401, 405), answer.status_code


def test_what_is_listed_here_exists() -> None:
    existing = {route for route, _ in routes()}

    assert {*OPEN, *GUARDED_OTHERWISE} <= existing
    assert len(PAGES) > 10
    assert "api/v1/activity" in API
