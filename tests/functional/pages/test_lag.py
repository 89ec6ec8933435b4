"""The lag room in a browser: the worst group by keyboard, why it is behind, its history with and without a script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from reliability import live
from reliability.lag.domain.values import Word
from reliability.lag.models import Group
from tests.functional.conftest import Visits
from tests.functional.keys import press
from tests.functional.pages.test_accessibility import violations
from tests.functional.sizes import SIZES
from tests.support import lag
from tests.support.lag import Seen
from tests.support.replays import GROUP, World

pytestmark = pytest.mark.browser

DRAWN = "document.querySelector('lag-chart').shadowRoot?.querySelector('canvas') !== null"


@pytest.fixture
def billing(world: World) -> Group:
    """A group that stands still since letters came, beside two that do not."""
    lag.poller()
    world.letters(3)
    lag.group("stock-sync", [lag.part("stock", lag=7)], trend="shrinking", eta_s=240.0)
    lag.group("a-rather-long-name-of-a-group-that-falls-behind", [lag.part("mail", word=Word.WARN, lag=90)])
    group = lag.group(
        GROUP,
        [
            lag.part(lag=0, owner=0),
            lag.part(partition=1, word=Word.STALL, lag=1_204, owner=0, at_least=True, lag_s=1_800.0),
        ],
        members=[lag.member(0, owns=2, lag=1_204), lag.member(1, owns=0)],
        trend="growing",
        loss_s=7_200.0,
        facts={"inflow_per_s": 12.0, "consumed_per_s": 0.0, "advice": "It takes 3 members to keep up."},
    )
    lag.topic("orders")
    lag.event(group, "stalled: orders 1", minutes_ago=9)
    lag.minutes(group, {back: Seen(lag=1_250 - back * 20, lag_s=1_800.0 - back * 30) for back in range(1, 60)})
    return group


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_the_worst_group_is_found_and_opened_by_keyboard_and_says_why(visits: Visits, billing: Group) -> None:
    page = visits.open("vito")
    press(page, "g")
    press(page, "l")
    expect(page.locator("h1")).to_have_text("Consumer lag")
    expect(page.locator("#groups tbody tr").first).to_contain_text("records lost in ~2 h")
    press(page, "j")
    press(page, "Enter")
    expect(page).to_have_url(re.compile(rf"/lag/groups/{billing.pk}/$"))
    expect(page.locator(".verdict")).to_contain_text("Stalled")
    expect(page.locator(".verdict")).to_contain_text("no commit for 50 s or longer while 1,204 records wait")
    expect(page.locator("#cause")).to_contain_text("3 open letters")
    expect(page.locator("#partitions tbody tr").first).to_contain_text("orders 1")
    expect(page.locator("#members")).to_contain_text("Idle")
    press(page, "Escape")
    expect(page).to_have_url(re.compile(r"/lag/$"))


def test_words_and_names_filter_the_list_and_the_address_keeps_it(visits: Visits, billing: Group) -> None:
    page = visits.open("vito", path="/lag/")
    rows = page.locator("#groups tbody tr")
    expect(rows).to_have_count(3)
    page.locator(".words").get_by_role("link", name="Behind 1").click()
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile("word=warn"))
    page.locator(".words").get_by_role("link", name="All 3").click()
    expect(rows).to_have_count(3)
    press(page, "/")
    page.keyboard.type("stock")
    press(page, "Enter")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("drains in ~4 min")
    page.goto("/lag/?q=nothing")
    expect(page.locator("#groups")).to_contain_text("No group matches")
    page.get_by_role("link", name="Clear the filter").click()
    expect(rows).to_have_count(3)


def test_the_list_takes_news_by_itself(visits: Visits, billing: Group) -> None:
    page = visits.open("vito", path="/lag/")
    row = page.locator(f"#group-{billing.pk}")
    expect(row).to_contain_text("1,204")
    expect(page.locator("#live")).to_contain_text("Live")
    Group.objects.filter(pk=billing.pk).update(lag=1_337, weight=1_337)
    live.changed("lag")
    expect(row).to_contain_text("1,337")


def test_the_worst_comes_first_while_nobody_touches_the_list(visits: Visits, billing: Group) -> None:
    page = visits.open("vito", path="/lag/")
    rows = page.locator("#groups tbody tr")
    expect(rows.first).to_contain_text(GROUP)
    expect(page.locator("#live")).to_contain_text("Live")
    Group.objects.filter(name="stock-sync").update(severity=99, weight=99_999, lag=99_999)
    live.changed("lag")
    expect(rows.first).to_contain_text("stock-sync")


def test_the_history_is_drawn_kept_through_news_and_is_a_table_too(visits: Visits, billing: Group) -> None:
    page = visits.open("vito", path=f"/lag/groups/{billing.pk}/")
    page.wait_for_function(DRAWN)
    chart = page.locator("lag-chart")
    expect(chart.locator(".u-legend")).to_contain_text("1,204")
    expect(chart.locator("svg")).to_be_hidden()
    page.locator(".figures-table summary").click()
    expect(page.locator(".figures-table tbody tr")).to_have_count(59)
    page.evaluate("document.querySelector('lag-chart').shadowRoot.querySelector('canvas').kept = true")
    Group.objects.filter(pk=billing.pk).update(lag=1_500, weight=1_500)
    live.changed("lag")
    expect(chart.locator(".u-legend")).to_contain_text("1,500")
    assert page.evaluate("document.querySelector('lag-chart').shadowRoot.querySelector('canvas').kept === true")
    expect(page.locator(".figures-table")).to_have_attribute("open", "")
    page.get_by_role("navigation", name="Range").get_by_role("link", name="6 h").click()
    expect(page).to_have_url(re.compile("range=6h"))
    page.wait_for_function(DRAWN)
    expect(page.locator("#history .title")).to_contain_text("Lag of the last 6 h")


def test_without_a_script_the_page_says_the_same(visits: Visits, billing: Group) -> None:
    page = visits.open("vito", path=f"/lag/groups/{billing.pk}/", script=False)
    expect(page.locator("lag-chart svg")).to_be_visible()
    expect(page.locator("lag-chart path.lag")).to_have_attribute("d", re.compile("^M"))
    page.locator(".figures-table summary").click()
    expect(page.locator(".figures-table")).to_contain_text("20 min")
    expect(page.locator("#partitions")).to_contain_text("Stalled")


def test_a_topic_leads_to_its_groups(visits: Visits, billing: Group) -> None:
    page = visits.open("vito", path=f"/lag/groups/{billing.pk}/")
    page.locator("#facts").get_by_role("link", name="orders").click()
    expect(page.locator("h1")).to_have_text("orders")
    expect(page.locator("#partitions tbody tr")).to_have_count(3)
    page.locator("#readers").get_by_role("link", name=GROUP).click()
    expect(page).to_have_url(re.compile(rf"/lag/groups/{billing.pk}/$"))


def test_the_search_of_the_bar_finds_a_group(visits: Visits, billing: Group) -> None:
    page = visits.open("vito")
    press(page, "/")
    page.keyboard.type(GROUP)
    press(page, "Enter")
    page.get_by_role("link", name=GROUP, exact=True).click()
    expect(page.locator(".verdict")).to_contain_text("Stalled")
    page.goto(f"/search/?q={GROUP}")
    page.get_by_role("link", name=re.compile("in dead letters")).click()
    expect(page).to_have_url(re.compile(rf"/letters/all/\?q={GROUP}"))


def test_the_overview_names_it(visits: Visits, billing: Group) -> None:
    page = visits.open("vito")
    item = page.locator("#overview table.attention tr", has_text=f"{GROUP}: 1,204 records wait")
    expect(item).to_contain_text("3 open letters")
    expect(page.locator("#tile-consumer-lag")).to_contain_text("2 in trouble")
    item.get_by_role("link", name="Look").click()
    expect(page).to_have_url(re.compile(rf"/lag/groups/{billing.pk}/$"))


@pytest.mark.parametrize(("theme", "width"), SIZES)
def test_no_page_has_a_serious_violation_or_is_wider_than_its_screen(
    visits: Visits, billing: Group, theme: str, width: int
) -> None:
    visits.expected = ("Applying inline style",)  # axe reads the styles of a shadow tree by a style element of its own
    page = visits.open("vito", width=width)
    page.context.add_cookies([{"name": "mainstay_theme", "value": theme, "url": visits.server}])
    topic = page.request.get(f"/lag/groups/{billing.pk}/").text().partition("/lag/topics/")[2].partition("/")[0]
    found: list[str] = []
    for address in (
        "/lag/",
        "/lag/?q=nothing",
        f"/lag/groups/{billing.pk}/",
        f"/lag/groups/{billing.pk}/?range=14d",
        f"/lag/topics/{topic}/",
        f"/search/?q={GROUP}",
    ):
        page.goto(address)
        if "groups/" in address and "14d" not in address:
            page.wait_for_function(DRAWN)
        found += violations(page)
        assert fits(page), f"{address} is wider than {width}"
    assert not found, "\n".join(found)
