"""The frame: signing in, the rail, themes, times, keys, the live pill."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from reliability.live.operations import DatabaseHeartbeat
from tests.functional.conftest import Visits
from tests.functional.keys import press
from tests.support.actors import PASSWORD
from tests.support.replays import World

pytestmark = pytest.mark.browser


def test_a_stranger_is_led_to_the_login_and_back(visits: Visits) -> None:
    user = get_user_model().objects.get(username="ana")
    user.set_password(PASSWORD)
    user.save()
    page = visits.open(path="/settings/")
    expect(page).to_have_url(re.compile(r"/accounts/login/\?next=/settings/"))
    page.get_by_label("Username").fill("ana")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Username")).to_have_value("ana")
    password = page.get_by_label("Password")
    expect(password).to_be_focused()
    expect(password).to_have_accessible_description(re.compile("password"))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/settings/$"))
    expect(page.get_by_text("ana · operator")).to_be_visible()


def test_every_page_of_the_rail_answers(visits: Visits) -> None:
    page = visits.open("vito")
    links = page.locator(".rail ul a")
    addresses = [str(links.nth(at).get_attribute("href")) for at in range(links.count())]
    assert len(addresses) >= 11
    for address in addresses:
        response = page.goto(address)
        assert response is not None
        assert response.status == 200, address
        expect(page.locator(".rail a[aria-current=page]")).to_have_attribute("href", address)


def test_the_theme_is_remembered_and_painted_by_the_server(visits: Visits) -> None:
    page = visits.open("ana")
    press(page, "T")
    press(page, "T")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    html = page.request.get("/settings/").text()
    assert '<html lang="en" data-theme="dark">' in html


def test_times_turn_absolute_with_their_zone_and_back(visits: Visits) -> None:
    DatabaseHeartbeat().beat("letters", state="running", facts={})
    page = visits.open("ana", path="/settings/")
    heard = page.locator("#processes time").first
    expect(heard).to_have_text(re.compile(r"ago|now"))
    press(page, "t")
    expect(heard).to_have_text(re.compile(r"^(\d+ \w{3} )?\d\d:\d\d(:\d\d)? UTC$"))
    expect(page.locator("#times")).to_have_text("UTC")
    page.reload()
    expect(heard).to_have_text(re.compile(r"UTC$"))


def test_keys_lead_to_pages_and_can_be_turned_off(visits: Visits) -> None:
    page = visits.open("ana")
    press(page, "g")
    press(page, "e")
    expect(page).to_have_url(re.compile("/settings/"))
    press(page, "?")
    expect(page.locator("#help")).to_be_visible()
    page.get_by_label("Single-key shortcuts").uncheck()
    press(page, "Escape")
    press(page, "g")
    press(page, "o")
    page.wait_for_timeout(300)
    expect(page).to_have_url(re.compile("/settings/"))


def test_the_key_sheet_lists_every_page_with_a_key_and_one_box_shows_the_slash(visits: Visits) -> None:
    page = visits.open("ana")
    listed = page.locator("#help .keys").text_content() or ""
    for link in page.locator(".rail a[data-go]").all():
        assert (link.get_attribute("title") or "").removesuffix(" (not built yet)") in listed
    expect(page.locator(".bar .search kbd")).to_be_visible()
    page.goto("/letters/")
    expect(page.locator(".bar .search kbd")).to_be_hidden()
    expect(page.locator(".filters kbd")).to_be_visible()


def test_the_pill_says_live_and_pauses(visits: Visits) -> None:
    page = visits.open("ana")
    pill = page.locator("#live")
    expect(pill).to_have_text("Live")
    expect(pill).to_have_attribute("title", re.compile(r"^The server was last heard \d+ s ago"))
    press(page, "p")
    expect(pill).to_have_text("Paused")
    press(page, "p")
    expect(pill).to_have_text(re.compile("^Live"))


def test_the_server_s_time_goes_on_and_moves_nothing(visits: Visits) -> None:
    page = visits.open("ana")
    clock = page.locator("#server-time")
    expect(clock).to_have_text(re.compile(r"^server time \d\d:\d\d:\d\d UTC$"))
    first, place = clock.inner_text(), page.locator(".rail .foot").bounding_box()
    expect(clock).not_to_have_text(first)
    assert page.locator(".rail .foot").bounding_box() == place
    behind_ms = page.evaluate(
        """() => mainstay.now() - Date.parse(new Date(mainstay.now()).toISOString().slice(0, 11)
             + document.getElementById("server-time").textContent.slice(12, 20) + "Z")"""
    )
    assert 0 <= behind_ms < 3_000
    still = visits.open("ana", script=False).locator("#server-time")
    expect(still).to_have_text(re.compile(r"^page made \d\d:\d\d:\d\d UTC$"))


def test_a_lost_connection_is_seen_within_seconds(visits: Visits) -> None:
    visits.expected = ("ERR_INTERNET_DISCONNECTED", "WebSocket")
    page = visits.open("ana")
    expect(page.locator("#live")).to_have_text(re.compile("^Live"))
    page.context.set_offline(True)
    page.evaluate("() => window.mainstay.cut()")
    expect(page.locator("#live")).to_have_text("Reconnecting", timeout=9_000)
    expect(page.locator("#connection")).to_be_visible()
    page.context.set_offline(False)


def test_nobody_else_may_frame_it_and_nothing_inline_runs(visits: Visits) -> None:
    page = visits.open("ana")
    policy = page.request.get("/").headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_a_page_whose_session_ended_says_so_keeps_what_was_typed_and_leads_to_the_login(visits: Visits) -> None:
    visits.expected = ("401", "403")
    page = visits.open("ana", path="/letters/?q=error:x")
    expect(page.locator("#live")).to_have_text(re.compile("^Live"))
    page.get_by_label("Add to the filter").fill("typed with care")
    place = page.locator("#groups").bounding_box()
    Session.objects.all().delete()
    said = page.get_by_role("alert").filter(has_text="You are signed out")
    expect(said).to_be_visible()
    expect(page.locator("#live")).to_have_text("Signed out")
    expect(page.get_by_label("Add to the filter")).to_have_value("typed with care")
    assert page.locator("#groups").bounding_box() == place
    said.get_by_role("link", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/accounts/login/\?next=%2Fletters%2F%3Fq%3Derror%3Ax$"))


def test_a_part_that_cannot_be_read_says_so_in_its_place(visits: Visits, world: World) -> None:
    visits.expected = ("500",)
    world.letters(1)
    page = visits.open("ana", path="/letters/")
    page.route("**/letters/groups/**", lambda route: route.fulfill(status=500, headers={"X-Trace-Id": "ab" * 16}))
    page.locator("#groups a[data-opens]").click()
    expect(page.locator("#drawer [role=alert]")).to_contain_text(
        "This part could not be read. The server answered 500."
    )
    expect(page.locator("#drawer [role=alert]")).to_contain_text("ab" * 16)
