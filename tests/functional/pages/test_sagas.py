"""Sagas in a browser: what is stuck is found, understood, put right by hand, and followed to its end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from reliability.audit.models import Entry
from reliability.kernel.errors import Permanent, Transient
from tests.functional.conftest import Visits
from tests.functional.keys import press
from tests.functional.pages.test_accessibility import violations
from tests.functional.sizes import SIZES
from tests.support import sagas
from tests.support.replays import World
from tests.support.sagas import Shop, raising, run, start, state

pytestmark = pytest.mark.browser


@pytest.fixture
def shop(world: World) -> Iterator[Shop]:
    with sagas.opened() as made:
        yield made


@pytest.fixture
def lost(shop: Shop) -> UUID:
    """A saga whose charge had no answer, beside two that went well and one that was undone."""
    definition = shop.order()
    for number in range(2):
        start(definition, key=f"ord-{number}")
    run()
    shop.then("charge", raising(Permanent("card refused")))
    start(definition, key="ord-undone")
    run()
    shop.then("charge", raising(TimeoutError("the provider did not answer within 3 s")))
    saga_id = start(definition, key="ord-lost", data={"amount": 129, "currency": "EUR"})
    run()
    return saga_id


def test_what_is_stuck_is_found_by_keyboard_understood_and_put_right(visits: Visits, shop: Shop, lost: UUID) -> None:
    page = visits.open("ana")
    expect(page.locator("main")).to_contain_text("1 saga needs a person: order, charge")
    press(page, "g")
    press(page, "s")
    expect(page.locator("h1")).to_have_text("Sagas")
    expect(page.locator("#rows tbody tr").first).to_contain_text("ord-lost")
    expect(page.locator("#rows tbody tr").first).to_contain_text("Nobody knows whether charge was done")
    press(page, "j")
    press(page, "Enter")
    expect(page).to_have_url(re.compile(rf"/sagas/{lost}/$"))
    expect(page.locator(".answers")).to_contain_text("Nothing by itself.")
    expect(page.locator("#step-charge")).to_contain_text("Not known")
    expect(page.locator("#step-charge")).to_contain_text("Not yet")
    expect(page.locator(".pivot")).to_contain_text("only goes forward")
    page.get_by_role("link", name="It happened…").click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("ship")
    dialog.get_by_label("Data to add").fill('{"reference": "r-77"}')
    dialog.get_by_label("Reason").fill("seen at the provider")
    dialog.get_by_role("button", name="It happened").click()
    expect(page.locator(".message")).to_contain_text("on record")
    run()
    expect(page.locator(".head .status")).to_contain_text("Completed")
    expect(page.locator("#step-ship")).to_contain_text("Done")
    expect(page.locator("#history")).to_contain_text("seen at the provider")
    assert state(lost).data == {"amount": 129, "currency": "EUR", "reference": "r-77"}
    assert Entry.objects.get(act="sagas.act").actor_name.startswith("ana")


def test_a_compensation_that_failed_is_taken_over_by_hand(visits: Visits, shop: Shop) -> None:
    shop.then("charge", raising(Permanent("card refused")))
    shop.then("release", raising(Permanent("the warehouse is closed")))
    saga_id = start(shop.order(), key="ord-1")
    run()
    page = visits.open("ana", path=f"/sagas/{saga_id}/")
    expect(page.locator(".answers")).to_contain_text("could not be undone")
    expect(page.locator("#step-reserve")).to_contain_text("Undo failed")
    page.get_by_role("link", name="Skip…").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Reason").fill("released by telephone")
    dialog.get_by_role("button", name="Skip").click()
    expect(page.locator(".message")).to_contain_text("on record")
    run()
    expect(page.locator(".head .status")).to_contain_text("Undone")
    assert Entry.objects.filter(act="sagas.act", reason="released by telephone").exists()


def test_what_changed_meanwhile_is_told_and_nothing_is_done(visits: Visits, lost: UUID) -> None:
    first, second = (
        visits.open("ana", path=f"/sagas/{lost}/acts/skip/"),
        visits.open("ada", path=f"/sagas/{lost}/acts/terminate/"),
    )
    second.get_by_label("Reason").fill("it is a test order")
    second.get_by_role("button", name="Terminate").click()
    expect(second.locator(".head .status")).to_contain_text("Terminated")
    visits.expected = ("409",)
    first.get_by_label("Reason").fill("paid by hand")
    first.get_by_role("button", name="Skip").click()
    expect(first.locator(".problem")).to_contain_text("Nothing was done.")
    expect(first.locator(".problem")).to_contain_text("has changed since you looked at it")


def test_data_are_edited_with_a_difference(visits: Visits, shop: Shop, lost: UUID) -> None:
    page = visits.open("ana", path=f"/sagas/{lost}/acts/edit/")
    visits.expected = ("422",)
    page.locator("#act-data").fill("{not json")
    page.get_by_label("Reason").fill("wrong currency")
    page.get_by_role("button", name="Edit data").click()
    expect(page.locator(".problem")).to_contain_text("not JSON")
    page.locator("#act-data").fill('{"amount": 129, "currency": "USD"}')
    page.get_by_role("button", name="Edit data").click()
    expect(page.locator("#data")).to_contain_text("USD")
    entry = page.locator("#history tbody tr").first
    expect(entry).to_contain_text("data edited")
    entry.locator("summary").click()
    expect(entry).to_contain_text('"before"')


def test_a_viewer_looks_and_sees_no_values(visits: Visits, lost: UUID) -> None:
    page = visits.open("vito", path=f"/sagas/{lost}/")
    expect(page.locator("#data")).to_contain_text("amount, currency: the values are shown to operators.")
    expect(page.locator("main")).not_to_contain_text(re.compile(r"(?<!\d)129(?!\d)"))  # nor a port
    expect(page.locator(".acts")).to_have_count(0)
    visits.expected = ("403",)
    page.goto(f"/sagas/{lost}/acts/skip/")
    expect(page.locator("main")).to_contain_text("Not allowed")
    assert state(lost).status == "needs_operator"


def test_the_list_is_narrowed_and_follows(visits: Visits, shop: Shop, lost: UUID) -> None:
    page = visits.open("vito", path="/sagas/")
    rows = page.locator("#rows tbody tr")
    expect(rows).to_have_count(4)
    page.locator(".words").get_by_role("link", name="Completed 2").click()
    expect(rows).to_have_count(2)
    page.locator(".words").get_by_role("link", name="All").click()
    expect(rows).to_have_count(4)
    press(page, "/")
    page.keyboard.type("ord-l")
    press(page, "Enter")
    expect(rows).to_have_count(1)
    page.goto("/sagas/?q=nothing")
    expect(page.locator("#rows")).to_contain_text("No saga is like that")
    page.goto("/sagas/")
    shop.then("charge", raising(Transient("busy")))
    start(shop.order(), key="ord-new")
    run()
    from reliability import live

    live.changed("sagas")
    expect(rows).to_have_count(5)


def test_definitions_are_drawn_with_figures(visits: Visits, lost: UUID) -> None:
    page = visits.open("vito", path="/sagas/definitions/")
    expect(page.locator("#order-1 svg")).to_be_visible()
    expect(page.locator("#order-1 tbody tr").first).to_contain_text("3 tries")
    expect(page.locator("#order-1")).to_contain_text("1 saga not over")


def test_empty_and_unknown(visits: Visits, shop: Shop) -> None:
    page = visits.open("vito", path="/sagas/")
    expect(page.locator("#rows")).to_contain_text("No saga yet")
    visits.expected = ("404",)
    page.goto("/sagas/00000000-0000-0000-0000-000000000001/")
    expect(page.locator("main")).to_contain_text("There is no saga")


@pytest.mark.parametrize(("theme", "width"), SIZES)
def test_no_page_has_a_serious_violation_or_is_wider_than_its_screen(
    visits: Visits, lost: UUID, theme: str, width: int
) -> None:
    page = visits.open("ana", width=width)
    page.context.add_cookies([{"name": "mainstay_theme", "value": theme, "url": visits.server}])
    for path in ("/sagas/", f"/sagas/{lost}/", f"/sagas/{lost}/acts/happened/", "/sagas/definitions/"):
        page.goto(path)
        assert violations(page) == [], path
        assert fits(page), path


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))
