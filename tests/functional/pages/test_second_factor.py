"""Setting a second factor up and signing in with it, in a real browser under the page's policy."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import time

import pytest
from django.core.cache import cache
from playwright.sync_api import expect

from reliability.access import Role, operations
from tests.functional.conftest import Visits
from tests.support.actors import PASSWORD

pytestmark = pytest.mark.browser


def code_of(secret: str, *, step: int) -> str:
    """What an authenticator app shows (RFC 6238)."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    at = digest[-1] & 15
    return f"{(int.from_bytes(digest[at : at + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


def test_it_is_set_up_and_asked_for(visits: Visits) -> None:
    cache.clear()
    operations.create_account(username="eva", password=PASSWORD, role=Role.OPERATOR)
    page = visits.open(path="/accounts/login/?next=/settings/access/", new=True)
    page.get_by_label("Username").fill("eva")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Set up an authenticator app").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_alt_text("QR code")).to_be_visible()
    drawn = "e => e.complete && e.naturalWidth > 50"
    assert page.get_by_alt_text("QR code").evaluate(drawn)
    secret = page.locator("code.hash").inner_text()
    step = int(time.time()) // 30
    page.get_by_label("Code").fill(code_of(secret, step=step))
    page.get_by_role("button", name="Set it up").click()
    codes = page.locator("ul.codes li")
    expect(codes).to_have_count(10)
    printed = codes.first.inner_text()
    page.get_by_role("link", name="Done").click()
    expect(page.locator("#factor")).to_contain_text("On")

    page.goto("/accounts/logout/")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign in again").click()
    page.get_by_label("Username").fill("eva")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    page.get_by_label(re.compile("Code of your authenticator app")).fill(printed)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{visits.server}/")
