"""An order in a browser: found by its number, seen with all that is known of it, also while a part is slow."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence

import pytest
from playwright.sync_api import expect

import sagas
from reliability.access import Actor
from reliability.console import related
from reliability.console.domain.values import Part
from reliability.console.registry import REGISTRY, Related
from reliability.console.views import related as views
from reliability.kernel import clock
from sagas.orders import desk, models, operations, trading
from tests.functional.conftest import Visits
from tests.functional.keys import press
from tests.functional.pages.test_accessibility import violations
from tests.functional.pages.test_sagas import fits
from tests.functional.sizes import SIZES
from tests.integration.orders import selling
from tests.support.letters import record, store
from tests.support.replays import World

pytestmark = pytest.mark.browser

NUMBER = "biz-1-1"
PATIENCE_S = 30.0


@pytest.fixture(autouse=True)
def _asks_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "REASK_MS", 2_000)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine at work has time for an answer, where a test is not about being slow."""
    monkeypatch.setattr(related, "WITHIN_S", 8.0)


@pytest.fixture
def order(world: World) -> str:
    """A business order that is paid and shipped, and of which a message died."""
    selling.mend()
    now = clock.SYSTEM.now()
    operations.place_business_order(order=selling.new_order(), number=NUMBER, now=now)
    sagas.run()
    services = {trading.PAYMENTS_ASKED: desk.take_payment, trading.PAYMENTS_SETTLED: operations.tell_saga}
    selling.deliver(services, seen=set())
    sagas.run()
    store(record(1, key=NUMBER.encode()), record(2, key=b"something-else"), now=now)
    return NUMBER


@pytest.fixture
def warehouse() -> Iterator[threading.Event]:
    """A section that does not answer before the event is set."""
    release = threading.Event()

    def ask(actor: Actor, thing: str, within_s: float) -> Sequence[Part]:
        if not release.wait(PATIENCE_S):
            return []
        return [Part(kind="x", title="shelf 12", text="", url="", status="ok", word="Counted")]

    REGISTRY.register_related("order", Related(name="Warehouse", act="orders.view", ask=ask, order=15))
    yield release
    release.set()
    del REGISTRY.related["order"]["Warehouse"]


@pytest.mark.usefixtures("patient")
def test_an_order_is_found_by_its_number_and_has_all_its_parts(visits: Visits, order: str) -> None:
    page = visits.open("vito")
    press(page, "/")
    page.keyboard.type(order)
    press(page, "Enter")
    page.get_by_role("row", name=re.compile("mug-blue")).get_by_role("link", name=order).click()
    expect(page).to_have_url(re.compile(rf"/orders/{order}/$"))
    expect(page.locator("h1")).to_have_text(f"Order {order}")
    for section, told in (
        ("Order", "mug-blue, 12.50 EUR"),
        ("Payments", f"card-{order}"),
        ("Stock", "340 g"),
        ("Shipment", "by road"),
        ("Saga", "Completed"),
        ("Findings", "none"),
        ("Events", "events"),
        ("Dead letters", "1 letter"),
    ):
        expect(page.get_by_role("group", name=section, exact=True)).to_contain_text(told)
    expect(page.get_by_role("group", name="Acts")).to_have_count(0)
    timeline = page.locator("#happened .timeline")
    for source, told in (
        ("Saga", "reserve_stock: done"),
        ("Events", "payment.asked to payments.asked"),
        ("Payments", "12.50 EUR taken"),
        ("Dead letters", "given up in billing"),
    ):
        line = timeline.locator("li").filter(has_text=told)
        expect(line).to_have_count(1)
        expect(line).to_contain_text(source)


def test_a_slow_part_is_said_to_be_slow_and_comes_when_it_answers(
    visits: Visits, order: str, warehouse: threading.Event
) -> None:
    page = visits.open("vito", path=f"/orders/{order}/")
    slow = page.get_by_role("group", name="Warehouse")
    expect(slow).to_contain_text("Warehouse did not answer within 1.5 s.")
    expect(page.get_by_role("group", name="Payments")).to_contain_text(f"card-{order}")
    expect(page.locator("#stands")).to_contain_text("1 of 10 did not answer")
    slow.get_by_role("link", name="Ask again").click()
    expect(slow).to_contain_text("was not asked: questions before this one still have no answer")
    expect(page.get_by_role("group", name="Payments")).to_contain_text(f"card-{order}")
    warehouse.set()
    expect(slow).to_contain_text("shelf 12")  # by itself
    expect(page).to_have_url(re.compile(rf"/orders/{order}/$"))


@pytest.mark.usefixtures("patient")
def test_what_changes_is_shown_by_itself(visits: Visits, order: str) -> None:
    page = visits.open("vito", path=f"/orders/{order}/")
    expect(page.get_by_role("group", name="Payments")).to_contain_text("Taken")
    models.Payment.objects.update(state="refunded", refunded_cents=1250, refunded_at=clock.SYSTEM.now())
    expect(page.get_by_role("group", name="Payments")).to_contain_text("Given back")


@pytest.mark.usefixtures("patient")
def test_letters_and_sagas_lead_to_the_order_of_their_key(visits: Visits, order: str) -> None:
    page = visits.open("vito", path=f"/letters/all/?q=key:{order}")
    page.get_by_role("link", name=f"everything about it: {order}").click()
    expect(page.locator("h1")).to_have_text(f"Order {order}")
    page.get_by_role("group", name="Dead letters").get_by_role("link", name="1 letter").click()
    page.get_by_role("link", name="everything about it").click()
    page.get_by_role("group", name="Saga").get_by_role("link", name=re.compile("business_order")).click()
    page.get_by_role("link", name=f"Everything about {order}").click()
    expect(page.locator("h1")).to_have_text(f"Order {order}")


@pytest.mark.usefixtures("patient")
def test_who_may_replay_plans_it_from_here(visits: Visits, order: str) -> None:
    page = visits.open("ana", path=f"/orders/{order}/")
    page.get_by_role("link", name="Plan a replay").click()
    expect(page.locator("main")).to_contain_text(f"letters that fit key:{order} state:open")


@pytest.mark.usefixtures("patient")
def test_an_unknown_order_says_where_was_looked_and_appears_when_it_is_there(visits: Visits, world: World) -> None:
    visits.expected = ("404",)
    page = visits.open("vito", path="/orders/nowhere-1/")
    expect(page.locator("main")).to_contain_text("Nothing is known of an order of this id")
    expect(page.locator("main")).to_contain_text("Asked were: order, payments, stock")
    store(record(1, key=b"nowhere-1"), now=clock.SYSTEM.now())
    expect(page.locator("main")).to_contain_text("There is no order of this id.")
    expect(page.get_by_role("group", name="Dead letters")).to_contain_text("1 letter")


def test_without_a_script_the_page_says_the_same(visits: Visits, order: str, warehouse: threading.Event) -> None:
    page = visits.open("vito", path=f"/orders/{order}/", script=False)
    expect(page.get_by_role("group", name="Warehouse")).to_contain_text("did not answer")
    warehouse.set()
    page.get_by_role("link", name="Ask again").click()
    expect(page.get_by_role("group", name="Warehouse")).to_contain_text("shelf 12")


@pytest.mark.parametrize(("theme", "width"), SIZES)
def test_no_page_has_a_serious_violation_or_is_wider_than_its_screen(
    visits: Visits, order: str, warehouse: threading.Event, theme: str, width: int
) -> None:
    visits.expected = ("404",)
    page = visits.open("ana", width=width)
    page.context.add_cookies([{"name": "mainstay_theme", "value": theme, "url": visits.server}])
    long = "x" * 200
    store(record(3, key=long.encode()), now=clock.SYSTEM.now())
    for path in (f"/orders/{order}/", f"/orders/{long}/", "/orders/nowhere-1/", f"/orders/{long}x/"):
        page.goto(path)
        warehouse.set()  # it was slow on the first of them
        assert violations(page) == [], path
        assert fits(page), path
