"""Main pages against axe-core's rules (WCAG 2.2 A and AA), light and dark, wide and narrow."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from dlq.models import LetterGroup, ReplayPlan
from tests.functional.conftest import Visits
from tests.functional.sizes import SIZES
from tests.support import npm, outbox
from tests.support.replays import World

pytestmark = pytest.mark.browser

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
NARROW = 640  # CSS pixels: up to here the rail is a bar with a sheet of all pages
SERIOUS = ("serious", "critical")
TALL = "Math.max(innerHeight, document.documentElement.scrollHeight)"


def violations(page: Page) -> list[str]:
    """What axe finds serious, each with the first element it is about."""
    page.wait_for_load_state("load")  # after a press of a button the next page may only begin to come
    # As tall as the page: what the bar at the foot covers for now is no fault, one scrolls.
    page.set_viewport_size({"width": page.evaluate("innerWidth"), "height": page.evaluate(TALL)})
    # Not a script of the page, so the page's policy does not hold it back.
    page.evaluate((npm.modules() / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate("rules => axe.run(document, rules).then(r => r.violations)", RULES)
    return [f"{page.url}: {_told(each)}" for each in found if each["impact"] in SERIOUS]


def _told(violation: dict[str, Any]) -> str:
    first = violation["nodes"][0]
    return f"{violation['id']}: {first['html'][:200]} {first.get('failureSummary')}"


@pytest.mark.parametrize(("theme", "width"), SIZES)
def test_no_page_has_a_serious_violation(visits: Visits, world: World, theme: str, width: int) -> None:
    run = world.approve(*world.letters(8))
    world.letters(3, start=20, error_type="shop.errors.OtherError", error_message="else")
    outbox.park(1, key=b"customer-with-a-rather-long-key-0001", reason="<b>the topic</b> is gone " * 20)
    outbox.park(2, key=None, behind=True)
    group = LetterGroup.objects.order_by("-pk").first()
    plan = ReplayPlan.objects.get()
    assert group is not None
    visits.expected = ("404",)  # the last page is not there
    page = visits.open("ana", width=width)
    page.context.add_cookies([{"name": "mainstay_theme", "value": theme, "url": visits.server}])
    found: list[str] = []
    for address in (
        "/",
        "/letters/",
        f"/letters/groups/{group.pk}/",
        f"/letters/groups/{group.pk}/?tab=payload",
        f"/letters/groups/{group.pk}/?tab=headers",
        "/letters/all/",
        f"/replays/plans/{plan.pk}/",
        f"/replays/plan/?group={group.pk}",
        f"/replays/{run.pk}/",
        "/replays/",
        "/outbox/",
        "/activity/",
        "/settings/",
        "/settings/access/",
        "/demo/",
        "/lag/",
        "/nothing/here/",
    ):
        page.goto(address)
        found += violations(page)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (
            f"{address} is wider than {width}"
        )
    if width <= NARROW:
        page.locator(".more > summary").click()
        found += violations(page)
    assert not found, "\n".join(found)


def test_the_login_has_no_serious_violation(visits: Visits) -> None:
    assert violations(visits.open(path="/accounts/login/")) == []
