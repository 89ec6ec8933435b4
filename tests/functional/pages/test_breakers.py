"""The breaker wall in a browser: what hurts comes first, is understood, decided about for a while, and taken back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from reliability import live
from reliability.audit.models import Entry
from reliability.breakers.models import Breaker
from tests.functional.conftest import Visits
from tests.functional.keys import press
from tests.functional.pages.test_accessibility import violations
from tests.functional.sizes import SIZES
from tests.support import breakers
from tests.support.breakers import Scene, mixed
from tests.support.replays import World

pytestmark = pytest.mark.browser


@pytest.fixture
def scene(world: World) -> Iterator[Scene]:
    with breakers.clean():
        yield mixed().play()


def test_what_hurts_comes_first_and_is_decided_about_by_keyboard(visits: Visits, scene: Scene) -> None:
    page = visits.open("ana")
    expect(page.locator("main")).to_contain_text("payments-api is not called: its breaker is open")
    press(page, "g", "c")
    expect(page.locator("h1")).to_have_text("Breakers")
    names = page.locator(".breaker h2")
    expect(names).to_have_count(8)
    first = page.locator(".breaker").first
    expect(first).to_contain_text("payments-api")
    expect(first.locator(".status")).to_have_text("Open")
    expect(first).to_contain_text("calls failed, 50 % are borne")
    words = page.locator(".breaker .status").all_text_contents()
    assert words[1:4] == ["Half-open", "Recovering 25 %", "Forced open"]
    assert words[-1] == "No calls"
    press(page, "j")
    press(page, "Enter")
    expect(page).to_have_url(re.compile(r"/breakers/payments-api/$"))
    expect(page.locator("#history")).to_contain_text("Closed → Open")
    page.locator("#override").click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("Decide for payments-api, for a while")
    dialog.get_by_label("Force closed").check()
    dialog.get_by_label("an hour").check()
    dialog.get_by_label("Reason").fill("the vendor says it is back")
    dialog.get_by_role("button", name="Decide").click()
    expect(page.locator(".head .status")).to_have_text("Forced closed")
    expect(page.locator(".answers")).to_contain_text("“the vendor says it is back”")
    page.locator("#take-back").click()
    dialog.get_by_label("Reason").fill("it is not")
    dialog.get_by_role("button", name="Take back").click()
    expect(page.locator(".head .status")).to_have_text("Open")
    assert list(Entry.objects.order_by("seq").values_list("act", "outcome").filter(act__startswith="breakers")) == [
        ("breakers.override", "done"),
        ("breakers.override", "done"),
    ]


def test_rules_are_tried_on_the_record_and_then_hold(visits: Visits, scene: Scene) -> None:
    page = visits.open("ana", path="/breakers/payments-api/")
    page.locator("#rules").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Opens at this share of failures").fill("0.99")
    dialog.get_by_label("Reason").fill("too nervous")
    dialog.get_by_role("button", name="Change the rules").click()
    expect(page.locator(".rules .changed")).to_contain_text("0.99")
    assert Breaker.objects.get(name="payments-api").rules == {"failure_rate": 0.99}


def test_the_order_is_held_while_somebody_is_on_the_wall_or_asks_for_it(visits: Visits, scene: Scene) -> None:
    page = visits.open("ana", path="/breakers/")
    expect(page.locator("#live")).to_have_text(re.compile("^Live"))
    page.get_by_label("Freeze order").check()
    page.mouse.move(5, 5)
    before = page.locator(".breaker h2").all_text_contents()
    breakers.fails(scene, "mail")
    live.changed("breakers")
    expect(page.locator("#breaker-mail .status")).to_have_text("Open")
    assert page.locator(".breaker h2").all_text_contents() == before
    page.get_by_label("Freeze order").uncheck()
    page.mouse.move(5, 5)
    page.get_by_label("Freeze order").blur()
    expect(page.locator(".breaker:nth-child(-n + 2) h2").filter(has_text="mail")).to_have_count(1)


def test_a_wall_without_breakers_says_how_one_comes_there(visits: Visits, world: World) -> None:
    with breakers.clean():
        page = visits.open("vito", path="/breakers/")
        expect(page.locator("main")).to_contain_text("No breaker has been called yet")


@pytest.mark.parametrize(("theme", "width"), SIZES)
def test_nothing_overflows_and_everybody_can_read_it(visits: Visits, scene: Scene, theme: str, width: int) -> None:
    page = visits.open("ana", width=width)
    for path in ("/breakers/", "/breakers/payments-api/", "/breakers/label-printer/", "/breakers/payments-api/rules/"):
        page.goto(path)
        page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        assert violations(page) == []
