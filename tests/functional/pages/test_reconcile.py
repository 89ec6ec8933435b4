"""Reconcile in a browser: a stuck order is found, understood, repaired, looked at again; all of it on record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from reliability.audit.models import Entry
from sagas.models import Finding, Touched
from sagas.reconciler import keys, turns
from tests.functional.conftest import Visits
from tests.functional.keys import press
from tests.functional.pages.test_accessibility import violations
from tests.functional.sizes import SIZES
from tests.support.reconciling import NAME, Books, books
from tests.support.replays import World

pytestmark = pytest.mark.browser


@pytest.fixture
def ours(world: World) -> Iterator[Books]:
    with books() as made:
        for number in range(20):
            made.order(f"ord-{number}", "paid")
            made.pay(f"ord-{number}")
        yield made


@pytest.fixture
def stuck(ours: Books) -> Finding:
    """An order that was never paid, found by a comparison, beside one within its grace."""
    ours.order("ord-7")
    ours.payments.rows.pop("ord-7")
    ours.order("ord-8")
    ours.compare()
    return Finding.objects.get(key="ord-7")


def test_a_stuck_order_is_found_understood_repaired_and_seen_to_agree(
    visits: Visits, ours: Books, stuck: Finding
) -> None:
    page = visits.open("ana")
    expect(page.locator("main")).to_contain_text("Nothing was paid: 1")
    press(page, "g")
    press(page, "x")
    expect(page.locator("h1")).to_have_text("Reconcile")
    expect(page.locator(f"#compared-{NAME}")).to_contain_text("20 keys compared")
    first = page.locator("#rows tbody tr").first
    expect(first).to_contain_text("ord-7 is pending, and there is no payment.")
    expect(first).to_contain_text("state pending")
    press(page, "j")
    press(page, "Enter")
    expect(page).to_have_url(re.compile(rf"/reconcile/{stuck.id}/$"))
    expect(page.locator(".against")).to_contain_text("pending")
    expect(page.locator(".against .side").nth(1)).to_contain_text("Nothing of this key.")
    expect(page.locator("#holds")).to_contain_text("An order is paid at most once.")
    page.locator("#repair").click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("Sends payment.asked to payments.asked, with the key ord-7.")
    expect(dialog.locator(".beforeafter")).to_contain_text("paid")
    dialog.get_by_label("Reason").fill("the desk had forgotten it")
    dialog.get_by_role("button", name="Ask for the payment again").click()
    expect(page.locator(".message")).to_contain_text("on record")
    expect(page.locator(".head .status")).to_contain_text("Being repaired")
    ours.order("ord-7", "paid")
    ours.pay("ord-7")
    Touched.objects.update(due_at=stuck.first_at)
    keys.step()
    expect(page.locator(".head .status")).to_contain_text("Agrees")
    expect(page.locator("#history")).to_contain_text("the desk had forgotten it")
    assert Entry.objects.get(act="reconcile.repair").outcome == "done"


def test_what_changed_while_the_dialog_was_open_is_told_and_nothing_is_done(
    visits: Visits, ours: Books, stuck: Finding
) -> None:
    visits.expected = ("409",)
    page = visits.open("ana", path=f"/reconcile/{stuck.id}/")
    page.locator("#repair").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Reason").fill("the desk had forgotten it")
    ours.orders.rows["ord-7"] = [{"state": "pending", "amount": 7}]
    dialog.get_by_role("button", name="Ask for the payment again").click()
    expect(page.locator("main")).to_contain_text("Nothing was done.")
    expect(page.locator("main")).to_contain_text("not what you looked at")
    expect(page.get_by_label("Reason")).to_have_value("the desk had forgotten it")
    expect(page.locator(".beforeafter")).to_contain_text("pending")


def test_a_side_that_is_down_is_told_on_the_list_and_in_the_dialog(visits: Visits, ours: Books, stuck: Finding) -> None:
    ours.payments.down = "did not answer: nobody listens there"
    ours.compare()
    page = visits.open("ana", path="/reconcile/")
    expect(page.locator(f"#compared-{NAME}")).to_contain_text("nobody listens there")
    page.locator(f"#repair-{stuck.id}").click()
    expect(page.locator("dialog[open]")).to_contain_text("Both sides must be read first.")
    expect(page.locator("dialog[open] textarea")).to_have_count(0)


def test_comparing_now_is_asked_for_and_followed(visits: Visits, ours: Books) -> None:
    page = visits.open("ana", path="/reconcile/")
    expect(page.locator("main")).to_contain_text("Both sides agree")
    page.locator(f"#compare-{NAME}").click()
    expect(page.locator(f"#compared-{NAME}")).to_contain_text("asked for by ana")
    ours.order("ord-3")
    turns.compare(ours.defined, stop=lambda: False)
    expect(page.locator(f"#compared-{NAME}")).to_contain_text("1 differs")


def test_a_dismissal_and_its_end(visits: Visits, stuck: Finding) -> None:
    page = visits.open("ana", path=f"/reconcile/{stuck.id}/")
    page.locator("#dismiss").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Reason").fill("a test order")
    dialog.get_by_role("button", name="Dismiss").click()
    expect(page.locator(".head .status")).to_contain_text("Dismissed")
    page.locator("#reopen").click()
    dialog.get_by_label("Reason").fill("no test at all")
    dialog.get_by_role("button", name="Open again").click()
    expect(page.locator(".head .status")).to_contain_text("Open")


def test_a_viewer_sees_what_disagrees_and_no_values(visits: Visits, stuck: Finding) -> None:
    page = visits.open("vito", path="/reconcile/")
    expect(page.locator("#rows")).to_contain_text("Nothing was paid")
    expect(page.locator("#rows")).not_to_contain_text("amount")
    expect(page.locator("a[data-dialog]")).to_have_count(0)
    page.goto(f"/reconcile/{stuck.id}/")
    expect(page.locator(".against")).to_contain_text("the values are shown to operators")
    expect(page.locator("main form")).to_have_count(1)  # the way to close the copies


def test_a_rule_is_told(visits: Visits, world: World) -> None:
    with books(by_rule=True) as made:
        made.order("ord-1")
        made.compare()
        finding = Finding.objects.get()
        page = visits.open("ana", path=f"/reconcile/{finding.id}/")
        expect(page.locator("#history")).to_contain_text("By rule: Ask for the payment again")
        assert finding.patient_until is not None
        Finding.objects.update(patient_until=finding.patient_until - timedelta(hours=1))
        keys.look(made.defined, ["ord-1"])
        expect(page.locator("#history")).to_contain_text("the repair did not help")


@pytest.mark.parametrize(("theme", "width"), SIZES)
def test_no_page_has_a_serious_violation_or_is_wider_than_its_screen(
    visits: Visits, stuck: Finding, theme: str, width: int
) -> None:
    page = visits.open("ana", width=width)
    page.context.add_cookies([{"name": "mainstay_theme", "value": theme, "url": visits.server}])
    for path in ("/reconcile/", f"/reconcile/{stuck.id}/", f"/reconcile/{stuck.id}/repair/"):
        page.goto(path)
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
