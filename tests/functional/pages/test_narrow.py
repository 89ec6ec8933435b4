"""The console on a phone: every page and the search can be reached."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.functional.conftest import Visits
from tests.functional.keys import press
from tests.support.replays import World

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [390, 320])
@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_every_page_can_be_reached_on_a_phone(visits: Visits, width: int, script: bool) -> None:
    page = visits.open("ada", width=width, script=script)
    links = page.locator(".rail ul a")
    before = links.evaluate_all("links => links.filter(l => l.checkVisibility()).length") if script else 5
    page.locator(".more > summary").click()
    for at in range(links.count()):
        expect(links.nth(at)).to_be_visible()
        expect(links.nth(at)).to_contain_text(re.compile(r"\w"))
        expect(links.nth(at)).to_be_in_viewport()
    assert before < links.count()
    page.get_by_role("link", name="Demo shop").click()
    expect(page).to_have_url(re.compile("/demo/$"))
    expect(page.get_by_role("heading", name="Demo shop")).to_be_visible()


@pytest.mark.parametrize("width", [390, 320])
def test_the_search_can_be_reached_on_a_phone(visits: Visits, world: World, width: int) -> None:
    world.letters(1)
    page = visits.open("ana", path="/outbox/", width=width)
    page.locator(".more > summary").click()
    box = page.get_by_role("searchbox", name="Find a letter, key, order or trace")
    box.fill("error:PaymentTimeout")
    box.press("Enter")
    expect(page).to_have_url(re.compile("/letters/all/"))
    expect(page.locator("#letters [data-row-id]")).to_have_count(1)


def test_the_pages_close_again_and_stay_open_over_news(visits: Visits, world: World) -> None:
    page = visits.open("ana", path="/outbox/", width=390)
    expect(page.locator("#live")).to_have_text(re.compile("^Live"))
    more = page.locator("details.more")
    more.locator("summary").click()
    world.letters(2)
    expect(page.locator(".rail a", has_text="Dead letters").locator(".count")).to_have_text(re.compile("^1"))
    expect(page.get_by_role("link", name="Alerts")).to_be_visible()
    press(page, "Escape")
    expect(page.get_by_role("link", name="Alerts")).to_be_hidden()
    more.locator("summary").click()
    page.locator("main").click(position={"x": 5, "y": 5})
    expect(page.get_by_role("link", name="Alerts")).to_be_hidden()


def test_the_acts_of_a_letter_stand_above_the_pages(visits: Visits, world: World) -> None:
    (letter,) = world.letters(1)
    page = visits.open("ana", path=f"/letters/{letter.pk}/", width=390)
    acts, rail = page.locator("#letter > footer").bounding_box(), page.locator("nav.rail").bounding_box()
    assert acts is not None
    assert rail is not None
    assert acts["y"] + acts["height"] <= rail["y"] + 1
    page.get_by_role("link", name="Discard this letter…").click(trial=True)


def test_theme_and_times_are_in_the_menu_of_a_phone_and_key_hints_are_not_shown(visits: Visits, world: World) -> None:
    world.letters(1)
    page = visits.open("ana", path="/letters/", width=390)
    expect(page.locator("kbd:visible")).to_have_count(0)
    page.locator("details.menu > summary").click()
    page.get_by_role("button", name="Light, dark, as the system").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    times = page.get_by_role("button", name="Times:")
    expect(times).to_have_text("Times: Relative · UTC")
    times.click()
    expect(times).to_have_text("Times: UTC")
    expect(page.locator("#groups time").first).to_have_text(re.compile(r"UTC$"))


def test_the_acts_of_an_open_failure_stay_in_sight_under_a_long_stack(visits: Visits, world: World) -> None:
    (letter,) = world.letters(1, error_stack="at shop.billing.charge (billing.py:1)\n" * 200)
    page = visits.open("ana", path=f"/letters/groups/{letter.group_id}/", width=390)
    expect(page.get_by_role("button", name="Plan a replay of 1")).to_be_in_viewport()


def test_an_opened_failure_takes_the_place_of_the_list(visits: Visits, world: World) -> None:
    world.letters(1)
    page = visits.open("ana", path="/letters/", width=390)
    page.locator("#groups a[data-opens]").click()
    expect(page.locator("#drawer h2")).to_be_in_viewport()
    expect(page.locator("#groups")).to_be_hidden()
    page.get_by_role("link", name="Close").click()
    expect(page.locator("#groups")).to_be_visible()


def test_a_long_name_stays_in_the_box_of_the_headline(visits: Visits) -> None:
    page = visits.open("ana", path="/", width=390)
    fits = """span => {
        span.textContent = "InsufficientStockInWarehouse".repeat(6);
        const name = span.getBoundingClientRect(), box = span.parentElement.getBoundingClientRect();
        const lines = document.createRange();
        lines.selectNodeContents(span);
        return lines.getBoundingClientRect().right <= box.right && name.bottom <= box.bottom;
    }"""
    assert page.locator(".verdict .clip").evaluate(fits)


def test_a_wide_page_has_no_second_way(visits: Visits) -> None:
    page = visits.open("ana")
    expect(page.locator(".more")).to_be_hidden()
    expect(page.get_by_role("searchbox", name="Find a letter")).to_have_count(1)
