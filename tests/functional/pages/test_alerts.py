"""Alerts in a browser: a service fails, somebody is told, looks after it and mutes the rest; rules; channels."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Callable, Iterator

import pytest
from django.db import connections
from playwright.sync_api import Page, expect
from standardwebhooks.webhooks import Webhook

from reliability.alerts.domain.rule import Rule
from reliability.alerts.evaluator.turn import turn
from reliability.alerts.models import Delivery, Mute
from reliability.alerts.models import Rule as Row
from reliability.alerts.operations import delivering, rules
from reliability.audit.models import Entry
from reliability.kernel import clock, process
from reliability.live.operations import DatabaseHeartbeat
from tests.functional.conftest import Visits
from tests.functional.keys import press
from tests.functional.pages.test_accessibility import violations
from tests.integration.alerts.world import ADMIN, without_usual
from tests.support.receiver import Receiver, receiving
from tests.support.replays import World

pytestmark = pytest.mark.browser
SECRET = "whsec_" + "c2VjcmV0" * 4


class Service:
    """A process that cannot do its work until it is mended: the loop of every real one, with its heartbeats."""

    def __init__(self) -> None:
        self.stop, self.mended = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            process.run(self._step, name="payments", heartbeat=DatabaseHeartbeat(), stop=self.stop, idle_s=0.05)
        finally:
            connections.close_all()

    def _step(self) -> bool:
        if not self.mended.is_set():
            raise ConnectionError("the provider does not answer")
        return False


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:  # type: ignore[no-untyped-def]
    with receiving() as found:
        hook = {"kind": "webhook", "url": found.url, "secret": SECRET, "allow": ["127.0.0.0/8"]}
        settings.ALERT_CHANNELS = {"on-call": hook}
        settings.MAINSTAY_URL = "https://mainstay.example"
        yield found


@pytest.fixture
def service(world: World, receiver: Receiver) -> Iterator[Service]:
    without_usual()
    rule = Rule(name="services", at_least="warn", things="process:payments:*", raise_after_s=0, clear_after_s=0)
    rules.save(wanted=rule, is_on=True, reason="test", actor=ADMIN, version=0, now=clock.SYSTEM.now())
    found = Service()
    found.thread.start()
    yield found
    found.stop.set()
    found.thread.join()


def looked() -> None:
    """What a worker does every few seconds."""
    turn()
    delivering.deliver("on-call", random=random.random)


def told(receiver: Receiver) -> list[str]:
    return [body["event"] for body in receiver.bodies]


@pytest.fixture
def until(receiver: Receiver, eventually) -> Callable[[str], None]:  # type: ignore[no-untyped-def]
    """Have a worker look until the receiver has heard of something."""

    def wait(event: str) -> None:
        def done() -> bool:
            looked()
            return event in told(receiver)

        eventually(done)

    return wait


def acknowledge(page: Page) -> None:
    row = page.locator("#open tbody tr")
    expect(row).to_contain_text("payments cannot do its work")
    expect(row).to_contain_text("on-call")
    row.locator("a[data-opens]").click()
    expect(page.locator("#things")).to_contain_text("ConnectionError: the provider does not answer")
    expect(page.locator("#told")).to_contain_text("on-call: it began")
    page.locator("#acknowledge").click()
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("on-call hears that, with your name")
    dialog.get_by_label("What you do").fill("calling the provider")
    dialog.get_by_role("button", name="Acknowledge").click()
    expect(page.locator(".answers")).to_contain_text("ana")


def mute(page: Page) -> None:
    page.locator("#mute").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("A rule").check()
    dialog.get_by_label("4 hours").check()
    dialog.get_by_role("button", name="Mute", exact=True).click()
    expect(dialog).to_be_visible()  # a reason is asked for
    dialog.get_by_label("Reason").fill("they mend it until noon")
    dialog.get_by_role("button", name="Mute", exact=True).click()
    expect(page.locator("#mutes")).to_contain_text("the rule services")
    expect(page.locator("#mutes")).to_contain_text("“they mend it until noon”, ana")
    expect(page.locator("#mutes")).to_contain_text("ends in")
    expect(page.locator("#open .status")).to_have_text("Muted")


def test_a_service_fails_somebody_is_told_looks_after_it_and_mutes_the_rest(
    visits: Visits, service: Service, receiver: Receiver, until: Callable[[str], None]
) -> None:
    until("trigger")
    page = visits.open("ana")
    press(page, "g", "n")
    expect(page.locator("h1")).to_have_text("Alerts")
    expect(page.locator(".verdict")).to_contain_text("1 incident open")
    acknowledge(page)
    until("acknowledge")
    mute(page)
    service.mended.set()
    until("resolve")
    expect(page.locator(".verdict")).to_contain_text("Nothing alerts")
    assert told(receiver) == ["trigger", "acknowledge", "resolve"]
    assert len({body["dedup_key"] for body in receiver.bodies}) == 1
    for headers, body in receiver.requests:
        Webhook(SECRET).verify(body, headers)
    row = Mute.objects.get()
    assert (row.by, row.reason) == ("ana", "they mend it until noon")
    acts = Entry.objects.filter(act__startswith="alerts", actor_name="ana").order_by("seq")
    assert list(acts.values_list("act", "outcome")) == [("alerts.acknowledge", "done"), ("alerts.mute", "done")]
    page.locator("#mutes").get_by_role("button", name="End the mute").click()
    expect(page.locator("#mutes")).to_contain_text("Nothing is muted.")


def test_a_rule_says_what_it_would_find_before_it_is_saved(visits: Visits, service: Service) -> None:
    page = visits.open("ada", path="/alerts/")
    page.locator("#new-rule").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Name").fill("Every Thing")
    dialog.get_by_label("Reason").fill("we want to know")
    visits.expected = ("422",)
    dialog.get_by_role("button", name="Save").click()
    main = page.locator("main")
    expect(main).to_contain_text("'Every Thing' is no name")
    main.get_by_label("Name").fill("everything")
    main.get_by_label("at least").select_option("warn")
    main.get_by_role("button", name="What would it find now?").click()
    expect(main).to_contain_text("When something has been at least a warning for 30 s")
    expect(main).to_contain_text(re.compile(r"It finds \d+ now, which would be \d+ of its incidents"))
    main.get_by_role("button", name="Save").click()
    expect(page.locator("#rule-everything")).to_contain_text("Tells every channel.")
    assert Row.objects.get(name="everything").body["at_least"] == "warn"
    page.locator("#rule-everything").get_by_text("Change…").click()
    dialog.get_by_label("Reason").fill("too much")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.locator("#rule-everything")).to_have_count(0)


def test_a_rule_asks_for_what_it_watches_alone_and_marks_the_field_that_is_wrong(visits: Visits, world: World) -> None:
    page = visits.open("ada", path="/alerts/")
    page.locator("#new-rule").click()
    dialog = page.locator("dialog[open]")
    expect(dialog.get_by_label("bad at")).to_be_hidden()
    dialog.get_by_label("A signal").check()
    expect(dialog.get_by_label("at least")).to_be_hidden()
    dialog.get_by_label("Name").fill("slow")
    dialog.get_by_label("Reason").fill("we want to know")
    dialog.locator("select[name=signal]").select_option(index=1)
    dialog.get_by_label("bad at").fill("5")
    dialog.get_by_label("well at").fill("5")
    visits.expected = ("422",)
    dialog.get_by_role("button", name="Save").click()
    main = page.locator("main")
    expect(main.get_by_role("alert")).to_contain_text("“bad at” and “well at” are both 5")
    for wrong in ("bad at", "well at"):
        expect(main.get_by_label(wrong)).to_have_attribute("aria-invalid", "true")
    expect(main.get_by_label("bad for")).not_to_have_attribute("aria-invalid", "true")
    main.get_by_label("well at").fill("2")
    main.get_by_role("button", name="What would it find now?").click()
    expect(main.locator("[aria-invalid]")).to_have_count(0)
    expect(main).to_contain_text("cannot be told now: nothing begins to alert until it can. Is its name right?")


def test_a_channel_is_tried_and_what_came_of_it_is_said(visits: Visits, world: World, receiver: Receiver) -> None:
    receiver.answer = 401
    page = visits.open("ana", path="/alerts/")
    page.locator("#channel-on-call").get_by_role("button", name="Send a test").click()
    expect(page.locator("h1")).to_have_text("Messages")
    expect(page.locator("#deliveries")).to_contain_text("waits for its turn")
    looked()
    expect(page.locator("#deliveries")).to_contain_text("refuses it (401)")
    receiver.answer = 200
    Delivery.objects.update(due_at=clock.SYSTEM.now())
    looked()
    expect(page.locator("#deliveries")).to_contain_text("taken (200)")
    page.goto("/alerts/")
    expect(page.locator("#channel-on-call")).to_contain_text("1 message taken")


def test_who_may_only_look_is_offered_nothing(visits: Visits, service: Service, until: Callable[[str], None]) -> None:
    until("trigger")
    page = visits.open("vito", path="/alerts/")
    expect(page.locator("#open tbody tr")).to_have_count(1)
    for words in ("Mute…", "Acknowledge…", "Send a test", "New…", "Change…"):
        expect(page.get_by_text(words)).to_have_count(0)


PAGES = ("/alerts/", "/alerts/over/", "/alerts/deliveries/", "/alerts/mutes/", "/alerts/rules/", "/alerts/runbooks/")


@pytest.mark.parametrize("width", [1_280, 390])
def test_its_pages_are_open_to_everybody(
    visits: Visits, service: Service, until: Callable[[str], None], width: int
) -> None:
    until("trigger")
    page = visits.open("ada", path="/alerts/", width=width)
    incident = page.locator("#open a[data-opens]").get_attribute("href")
    for path in (*PAGES, str(incident)):
        page.goto(path)
        assert violations(page) == [], path
