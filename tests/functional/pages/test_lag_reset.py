"""A reset in a browser, by keyboard from the list: previewed, refused, applied, undone; without a script, narrow."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from reliability import live
from reliability.kafka import clusters
from reliability.kernel.record import TopicPartition
from reliability.lag.models import Group
from tests.functional.conftest import Visits
from tests.functional.keys import press
from tests.functional.pages.test_accessibility import violations
from tests.integration.lag.world import World as Cluster
from tests.support import lag

pytestmark = pytest.mark.browser

TABS_MAX = 60


@pytest.fixture
def cluster(settings: Settings, transactional_db: None) -> Iterator[Cluster]:
    """A stopped group, 40 and 10 records behind, on the cluster that the console's acts reach."""
    settings.KAFKA_BACKEND = "memory"
    clusters.forget_memory()
    made = Cluster(clusters.memory_broker())
    made.group()
    for partition, committed in ((0, 1_060), (1, 1_090)):
        made.commit(committed, partition=partition)
        made.end(1_100, partition=partition)
        made.play.starts[TopicPartition("orders", partition)] = 5
    made.polls(2)
    lag.poller()
    yield made
    for poller in made.pollers:
        poller.close()
    clusters.forget_memory()


def commits(cluster: Cluster) -> list[int]:
    found = cluster.broker.group("billing").committed
    return [found[TopicPartition("orders", partition)] for partition in (0, 1)]


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until that is focused."""
    for _ in range(TABS_MAX):
        if page.evaluate("wanted => document.activeElement?.matches(wanted)", selector):
            return
        press(page, "Tab")
    raise AssertionError(f"no way to {selector} by keyboard")


def press_on(page: Page, selector: str) -> None:
    tab_to(page, selector)
    press(page, "Enter")


def test_a_group_is_found_reset_and_set_back_by_keyboard(visits: Visits, cluster: Cluster) -> None:
    page = visits.open("ana", path="/lag/")
    press(page, "j")
    press(page, "Enter")
    expect(page).to_have_url(re.compile(r"/lag/groups/\d+/$"))
    press_on(page, "#reset")
    expect(page.locator("h1")).to_have_text("Reset offsets of billing")
    tab_to(page, "[name=to]:checked")
    for _ in range(5):
        press(page, "ArrowDown")
    expect(page.get_by_label("How many records")).to_be_visible()
    press(page, "Tab")
    page.keyboard.type("1,000")
    press_on(page, "form.wide-form button.primary")
    expect(page.locator(".verdict")).to_contain_text(
        "billing goes on 2,000 records earlier: 2,000 will be read again, none skipped."
    )
    assert commits(cluster) == [1_060, 1_090]
    tab_to(page, "#reason")
    page.keyboard.type("the mailer lost an hour")
    press(page, "Tab")
    page.keyboard.type("billing")
    press(page, "Enter")
    expect(page.locator("#reset .head")).to_contain_text("Applied")
    expect(page.locator("#partitions tbody tr").first).to_contain_text("set")
    assert commits(cluster) == [60, 90]
    cluster.polls()
    press_on(page, "form.approve button.primary")
    expect(page.locator("h1")).to_contain_text("Undo of reset #")
    tab_to(page, "#reason")
    page.keyboard.type("the wrong group")
    press(page, "Tab")
    page.keyboard.type("billing")
    press(page, "Enter")
    expect(page.locator("#reset .head")).to_contain_text("Applied")
    assert commits(cluster) == [1_060, 1_090]


def test_a_member_that_joins_while_the_preview_is_open_is_told_and_nothing_typed_is_lost(
    visits: Visits, cluster: Cluster
) -> None:
    visits.expected = ("409",)
    page = visits.open("ana", path=f"/lag/groups/{Group.objects.get().pk}/reset/")
    page.get_by_role("button", name="Preview").click()
    page.get_by_label("Reason").fill("typed with care")
    cluster.group("billing", cluster.member("one", 0, 1))
    cluster.polls(2)
    live.changed("lag")
    page.get_by_label("Type billing").fill("billing")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("alert").first).to_contain_text("1 member is in the group: stop its consumers")
    expect(page.get_by_label("Reason")).to_have_value("typed with care")
    assert commits(cluster) == [1_060, 1_090]
    cluster.group()
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#reset .head")).to_contain_text("Applied")


def test_an_open_form_follows_the_group(visits: Visits, cluster: Cluster) -> None:
    page = visits.open("ana", path=f"/lag/groups/{Group.objects.get().pk}/reset/")
    expect(page.locator("#live")).to_have_text(re.compile("^Live"))
    page.get_by_label("an offset").check()
    page.get_by_label("Offset", exact=True).fill("70")
    cluster.group("billing", cluster.member("one", 0, 1))
    cluster.polls(3)
    expect(page.locator("#guards")).to_contain_text("1 member is in the group")
    cluster.group()
    cluster.polls(3)
    expect(page.locator("#guards")).to_contain_text("Nobody is in the group")
    expect(page.get_by_label("Offset", exact=True)).to_have_value("70")


@pytest.mark.parametrize("width", [1440, 390])
def test_it_works_without_a_script_and_narrow(visits: Visits, cluster: Cluster, width: int) -> None:
    page = visits.open("ana", path=f"/lag/groups/{Group.objects.get().pk}/reset/", script=False, width=width)
    page.get_by_label("offsets of a file").check()
    page.get_by_label("or its text").fill("orders,0,1000")
    page.get_by_role("button", name="Preview").click()
    page.get_by_label("Reason").fill("r")
    page.get_by_label("Type billing").fill("billing")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#reset .head")).to_contain_text("Applied")
    assert commits(cluster) == [1_000, 1_090]


@pytest.mark.parametrize("width", [1440, 390])
def test_form_preview_and_result_can_be_read_by_everyone(visits: Visits, cluster: Cluster, width: int) -> None:
    page = visits.open("ana", path=f"/lag/groups/{Group.objects.get().pk}/reset/", width=width)
    for name in ("Preview", "Apply", "Undo"):
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if name == "Apply":
            page.get_by_label("Reason").fill("r")
            page.get_by_label("Type billing").fill("billing")
        page.get_by_role("button", name=name).click()
