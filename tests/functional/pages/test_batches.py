"""Acts in bulk in a browser: chosen, planned, started with a reason, followed item by item."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from reliability.access.models import Account
from sagas.domain.acts import Act, Command
from sagas.models import Batch, Saga
from sagas.operations import acting, batches
from tests.functional.conftest import Visits
from tests.functional.keys import press
from tests.functional.pages.test_accessibility import violations
from tests.functional.pages.test_sagas import fits
from tests.functional.sizes import SIZES
from tests.support import actors, sagas
from tests.support.batches import REASON, begin, plan, stuck, work
from tests.support.replays import World
from tests.support.sagas import Shop, run, start, state

pytestmark = pytest.mark.browser

TALL = 2400  # no row lies under the bar at the foot of a narrow screen


@pytest.fixture
def shop(world: World) -> Iterator[Shop]:
    with sagas.opened() as made:
        yield made


def planned(page: Page) -> Batch:
    expect(page).to_have_url(re.compile(r"/sagas/batches/[0-9a-f-]{36}/$"))
    return Batch.objects.latest("created_at")


def test_ticked_rows_are_planned_started_and_followed(visits: Visits, shop: Shop) -> None:
    ids = stuck(shop, 4)
    page = visits.open("ana", path="/sagas/?state=needs_operator")
    press(page, "j")
    press(page, "x")
    press(page, "j")
    press(page, "x")
    expect(page.locator(".selection")).to_contain_text("2 of 4 selected")
    press(page, "r")
    dialog = page.locator("dialog[open]")
    expect(dialog.locator("h2")).to_have_text("Act on 2 sagas")
    expect(dialog.get_by_label("Retry now")).to_be_checked()
    dialog.get_by_role("button", name="Plan it").click()
    batch = planned(page)
    expect(page.locator(".head .status")).to_contain_text("Plan: nothing is done")
    expect(page.locator("main")).to_contain_text("goes on, completed when every call succeeds")
    expect(page.locator("main")).to_contain_text("charge may have happened. It is tried again under the same key.")
    assert Saga.objects.filter(status="needs_operator").count() == 4
    press(page, "r")
    page.keyboard.type(REASON)
    page.get_by_role("button", name="Retry now: 2 sagas").click()
    expect(page.locator(".head .status")).to_contain_text("Running")
    expect(page.locator(".progress + .count-line")).to_contain_text("0 of 2 done, 2 to go.")
    acting.act(
        ids[3],
        Command(act=Act.TERMINATE),
        expected_version=state(ids[3]).version,
        actor=actors.actor(name="ada"),
        reason="a test order",
    )
    assert batches.step(batch.id)
    expect(page.locator(".progress + .count-line")).to_contain_text("0 of 2 done, 1 refused, 1 to go.")
    work(batch)
    expect(page.locator(".head .status")).to_contain_text("Done, 1 not")
    first = page.locator("#item-1")
    expect(first).to_contain_text("Refused")
    expect(first).to_contain_text("The saga has changed since you looked at it (terminated)")
    expect(first).to_contain_text("Terminated")
    run()
    expect(page.locator("#item-2")).to_contain_text("Completed")
    expect(page.locator("main")).to_contain_text("By now those that were done are: 1 completed.")
    page.locator("a.figure.warn").click()
    expect(page.locator("#items tbody tr")).to_have_count(1)
    first.get_by_role("link").click()
    expect(page.locator("h1")).to_have_text("o3")


def test_all_that_match_are_ended_only_with_their_number_typed(visits: Visits, shop: Shop) -> None:
    stuck(shop, 3)
    start(shop.order(), key="fine")
    run()
    page = visits.open("ana", path="/sagas/?definition=order")
    page.get_by_role("link", name="Act on all 4 that match…").first.click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("definition order")
    dialog.get_by_label("Terminate").check()
    dialog.get_by_role("button", name="Plan it").click()
    batch = planned(page)
    expect(page.locator(".figure.warn")).to_contain_text("1")
    expect(page.locator("main")).to_contain_text("The saga is over: completed.")
    expect(page.locator("main")).to_contain_text("What was done stays: reserve, charge.")
    visits.expected = ("422",)
    page.get_by_label("Reason").fill("test orders")
    page.get_by_label("to start it").fill("4")
    page.get_by_role("button", name="Terminate: 3 sagas").click()
    expect(page.locator(".problem").first).to_contain_text("Nothing was done.")
    expect(page.get_by_label("Reason")).to_have_value("test orders")
    assert Batch.objects.get().state == "planned"
    page.get_by_label("to start it").fill("3")
    page.get_by_role("button", name="Terminate: 3 sagas").click()
    expect(page.locator(".head .status")).to_contain_text("Running")
    work(batch)
    expect(page.locator(".head .status")).to_have_text("Done")
    assert Saga.objects.filter(status="terminated").count() == 3


def test_the_rest_is_cancelled_and_two_who_press_start_it_once(visits: Visits, shop: Shop) -> None:
    stuck(shop, 3)
    batch = plan()
    path = f"/sagas/batches/{batch.id}/"
    first, second = visits.open("ana", path=path), visits.open("ada", path=path)
    first.get_by_label("Reason").fill(REASON)
    first.get_by_role("button", name="Retry now: 3 sagas").click()
    expect(first.locator(".head .status")).to_contain_text("Running")
    expect(second.locator(".head .status")).to_contain_text("Running")  # the other page follows by itself
    assert batches.step(batch.id)
    second.get_by_role("link", name="Cancel the rest…").click()
    dialog = second.locator("dialog[open]")
    expect(dialog).to_contain_text("2 of 3 did not have their turn yet")
    dialog.get_by_role("button", name="Cancel the rest").click()
    expect(second.locator(".message").first).to_contain_text("Cancelled: 2 sagas left alone.")
    expect(first.locator(".head .status")).to_contain_text("Cancelled")
    expect(first.locator("main")).to_contain_text("cancelled by ada")
    first.goto("/sagas/batches/")
    expect(first.locator("#rows tbody tr")).to_contain_text("1 of 3 done, 2 left.")


def test_a_batch_that_stopped_by_itself_says_why(visits: Visits, shop: Shop) -> None:
    stuck(shop, 2)
    batch = plan()
    begin(batch)
    assert batches.step(batch.id)
    Account.objects.filter(user__username="ana").update(role="viewer")
    work(batch)
    page = visits.open("vito", path=f"/sagas/batches/{batch.id}/")
    expect(page.locator(".problem")).to_contain_text("It stopped by itself.")
    expect(page.locator(".problem")).to_contain_text("ana has the role viewer")
    expect(page.locator("#item-2")).to_contain_text("Refused")


def test_a_viewer_looks_and_has_nothing_to_press(visits: Visits, shop: Shop) -> None:
    stuck(shop, 2)
    batch = plan()
    page = visits.open("vito", path="/sagas/")
    expect(page.locator("#rows tbody tr")).to_have_count(2)
    expect(page.locator("input[type=checkbox][data-row], #act-all, .selection")).to_have_count(0)
    page.goto(f"/sagas/batches/{batch.id}/")
    expect(page.locator("#starting, #cancel")).to_have_count(0)
    expect(page.locator("main")).to_contain_text("Starting it takes the role operator.")
    visits.expected = ("403",)
    page.goto("/sagas/batches/new/")
    expect(page.locator("main")).to_contain_text("Not allowed")


def test_without_a_script_it_is_a_page_for_each_step(visits: Visits, shop: Shop) -> None:
    stuck(shop, 2)
    page = visits.open("ana", path="/sagas/", script=False)
    page.get_by_label("Select order o1").check()
    page.get_by_role("button", name="Act on them…").click()
    expect(page.locator("main h2")).to_have_text("Act on 1 saga")
    page.get_by_role("button", name="Plan it").click()
    expect(page.locator("h1")).to_have_text("Retry now")
    page.goto("/sagas/")
    page.get_by_role("button", name="Act on them…").click()
    expect(page.locator(".message").first).to_contain_text("No saga was ticked. Nothing was done.")


@pytest.mark.parametrize(("theme", "width"), SIZES)
def test_no_page_has_a_serious_violation_or_is_wider_than_its_screen(
    visits: Visits, shop: Shop, theme: str, width: int
) -> None:
    page = visits.open("ana", width=width)
    page.set_viewport_size({"width": width, "height": TALL})
    page.context.add_cookies([{"name": "mainstay_theme", "value": theme, "url": visits.server}])
    page.goto("/sagas/batches/")
    assert violations(page) == []
    stuck(shop, 3, prefix="order-with-a-rather-long-business-key-0000")
    start(shop.order(), key="fine")
    run()
    batch, ended = plan("terminate", definition="order"), plan("compensate")
    begin(ended)
    assert batches.step(ended.id)
    for path in (
        "/sagas/",
        "/sagas/batches/new/?state=needs_operator",
        f"/sagas/batches/{batch.id}/",
        f"/sagas/batches/{ended.id}/",
        f"/sagas/batches/{ended.id}/cancellation/",
        "/sagas/batches/",
    ):
        page.goto(path)
        assert violations(page) == [], path
        assert fits(page), path
