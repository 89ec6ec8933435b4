"""The whole way through a certified provider, with a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from reliability.access.models import Account
from reliability.access.oidc import issuer_of
from reliability.audit.models import Entry
from tests.functional.conftest import Visits
from tests.support.real_provider import CLIENT, SECRET, RealProvider, running

pytestmark = pytest.mark.browser

OUTSIDE = re.compile(r"^https?://(?!127\.0\.0\.1)")
OLGA: dict[str, Any] = {"preferred_username": "olga", "name": "Olga K.", "groups": ["ops"]}


@pytest.fixture(params=[False, True], ids=["groups in the ID token", "groups in userinfo"])
def provider(server: str, settings: Settings, request: pytest.FixtureRequest) -> Iterator[RealProvider]:
    with running(console=server, conform=request.param) as found:
        settings.MAINSTAY_OIDC = {
            "issuer": found.issuer,
            "client_id": CLIENT,
            "client_secret": SECRET,
            "name": "the works account",
            "roles": {"viewer": ["all"], "operator": ["ops"], "admin": ["leads"]},
            "userinfo": request.param,
        }
        issuer_of.cache_clear()
        yield found


def signs_in(page: Page, username: str) -> None:
    """At the provider: its own form, then its own question."""
    page.context.route(OUTSIDE, lambda route: route.fulfill(body=""))  # its pages would like a font from outside
    page.get_by_role("link", name="Sign in with the works account").click()
    page.get_by_placeholder("Enter any login").fill(username)
    page.get_by_placeholder("and password").fill("x")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def test_somebody_signs_in_works_is_demoted_signs_out_there_too_and_is_refused(
    visits: Visits, provider: RealProvider
) -> None:
    provider.knows(olga=OLGA)
    page = visits.open(path="/letters/", new=True)
    signs_in(page, "olga")
    page.wait_for_url(f"{visits.server}/letters/")
    expect(page.locator(".bar .menu")).to_contain_text("olga · operator")
    assert Account.objects.get(user__username="olga").role == "operator"
    assert Entry.objects.get(target="account:olga").act == "accounts.provide"

    # Demoted at the provider: the next sign-in, which asks nothing while its session lives, has the lesser role.
    provider.knows(olga={**OLGA, "groups": ["all"]})
    page.goto("/accounts/logout/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    page.get_by_role("link", name="Sign in again").click()
    page.get_by_role("link", name="Sign in with the works account").click()
    expect(page.locator(".bar .menu")).to_contain_text("olga · viewer")

    # Signed out there too: the provider asks who it is.
    page.goto("/accounts/logout/")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign out of the works account too").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    page.wait_for_url(f"{visits.server}/accounts/login/")

    # Out of every group: a sentence, and no role left.
    provider.knows(olga={**OLGA, "groups": []})
    visits.expected += ("403",)
    signs_in(page, "olga")
    expect(page.get_by_role("alert")).to_contain_text("gives you no role here")
    assert Account.objects.get(user__username="olga").role == ""
    page.goto("/")
    expect(page).to_have_url(f"{visits.server}/accounts/login/?next=/")


def test_who_cancels_there_reads_so_here(visits: Visits, provider: RealProvider) -> None:
    provider.knows(olga=OLGA)
    visits.expected += ("401",)
    page = visits.open(path="/accounts/login/", new=True)
    page.context.route(OUTSIDE, lambda route: route.fulfill(body=""))
    page.get_by_role("link", name="Sign in with the works account").click()
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("alert")).to_contain_text("cancelled")
