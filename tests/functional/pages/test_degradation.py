"""Degradation in a browser: what users lose, why, set by hand for a while, taken back; a policy tried and saved."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from reliability.audit.models import Entry
from reliability.degradation.models import Flag, Policy
from tests.functional.conftest import Visits
from tests.functional.keys import press
from tests.functional.pages.test_accessibility import violations
from tests.functional.sizes import SIZES
from tests.support import flags
from tests.support.replays import World

pytestmark = pytest.mark.browser


@pytest.fixture
def known(world: World) -> None:
    flags.declare()
    flags.policy()


def test_a_level_is_set_for_a_while_and_taken_back_by_keyboard(visits: Visits, known: None) -> None:
    page = visits.open("ana")
    press(page, "g", "f")
    expect(page.locator("h1")).to_have_text("Degradation")
    expect(page.locator(".verdict")).to_contain_text("Users lose nothing")
    page.locator("#set-recommendations").click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("No process that is alive has read this flag.")
    dialog.get_by_label("1 · popular").check()
    dialog.get_by_label("2 hours").check()
    dialog.get_by_label("Reason").fill("the model is being trained")
    dialog.get_by_role("button", name="Set", exact=True).click()
    expect(page).to_have_url(re.compile("/degradation/flags/recommendations/$"))
    expect(page.locator(".head .status")).to_have_text("1 · Popular")
    expect(page.locator(".answers")).to_contain_text("Everybody sees what is popular.")
    expect(page.locator(".answers")).to_contain_text("ana set it by hand: the model is being trained.")
    expect(page.locator(".answers")).to_contain_text("It is over in")
    page.locator("#clear").click()
    dialog.get_by_label("Reason").fill("trained")
    dialog.get_by_role("button", name="Take back").click()
    expect(page.locator(".head .status")).to_have_text("Normal")
    expect(page.locator("#history")).to_contain_text("taken back")
    acts = Entry.objects.filter(act__startswith="degradation", actor_name="ana").order_by("seq")
    assert list(acts.values_list("act", "outcome")) == [("degradation.set", "done"), ("degradation.clear", "done")]


def test_a_policy_degrades_and_its_page_says_why_with_the_values(visits: Visits, known: None) -> None:
    flags.look(3.0)
    page = visits.open("vito", path="/degradation/")
    expect(page.locator(".verdict")).to_contain_text("1 flag degraded")
    expect(page.locator(".verdict")).to_contain_text("Nobody can pay by card")
    row = page.locator("#flag-checkout")
    expect(row).to_contain_text("by policy: slow-payments")
    expect(row.locator("text=Set…")).to_have_count(0)
    row.locator("a").first.click()
    expect(page.locator("#policy-slow-payments")).to_contain_text("breaker.state of payments")
    expect(page.locator("#policy-slow-payments")).to_contain_text("Degrades")
    expect(page.locator("#history")).to_contain_text("degraded by its policy")


def test_two_at_once_one_is_told(visits: Visits, known: None) -> None:
    visits.expected = ("409",)
    page = visits.open("ana", path="/degradation/flags/checkout/set/")
    flags.by_hand("checkout")
    page.get_by_label("Reason").fill("mine")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator(".problem")).to_contain_text("Nothing was done. Somebody else has changed this")
    assert Flag.objects.get(name="checkout").level == 1


def test_an_admin_tries_a_policy_on_the_record_and_saves_it(visits: Visits, known: None) -> None:
    visits.expected = ("422",)
    page = visits.open("ada", path="/degradation/policies/")
    page.get_by_label("Name").fill("letters-pour-in")
    page.get_by_label("Flag").select_option("search")
    page.get_by_label("Level", exact=True).fill("1")
    row = page.locator(".condition").first
    row.locator("[name=signal]").select_option("letters.open")
    row.locator("[name=subject]").fill("billing")
    row.locator("[name=enter]").fill("100")
    row.locator("[name=exit]").fill("100")
    page.get_by_label("Reason").fill("search hangs on billing")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".problem")).to_contain_text("it would flap")
    row.locator("[name=exit]").fill("10")
    page.get_by_role("button", name="Try on the record").click()
    expect(page.locator("main form").first).to_contain_text("search goes to level 1")
    expect(page.locator("main form").first).to_contain_text("Nothing is recorded of these signals")
    page.get_by_role("button", name="Save").click()
    expect(page).to_have_url(re.compile("/degradation/flags/search/$"))
    assert Policy.objects.get(name="letters-pour-in").flag_id == "search"


def test_a_window_is_scheduled_changed_and_deleted(visits: Visits, known: None) -> None:
    visits.expected = ("422",)
    page = visits.open("ana", path="/degradation/flags/search/schedule/")
    page.get_by_label("Name").fill("nights")
    page.get_by_label("From").fill("22:30")
    page.get_by_label("To", exact=True).fill("25:00")
    page.get_by_label("Reason").fill("nobody searches")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".problem")).to_contain_text("Nothing was saved.")
    page.get_by_label("To", exact=True).fill("06:00")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#reach")).to_contain_text("Saturday")
    page.locator("#reach").get_by_role("link", name="Change…").last.click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Reason").fill("they do")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.locator("#reach")).to_contain_text("No window")


@pytest.mark.parametrize(("theme", "width"), SIZES)
def test_nothing_overflows_and_everybody_can_read_it(visits: Visits, known: None, theme: str, width: int) -> None:
    flags.look(3.0)
    flags.by_hand()
    page = visits.open("ada", width=width)
    where = ("/degradation/", "/degradation/flags/checkout/", "/degradation/policies/slow-payments/")
    for path in (*where, "/degradation/flags/checkout/set/", "/degradation/flags/search/schedule/"):
        page.goto(path)
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        assert violations(page) == [], path
