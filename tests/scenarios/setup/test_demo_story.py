"""What the README promises, told once: letters, switch, plan, replay, proof, empty group; and an outage, borne."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from reliability.embedded import stack
from tests.support.system import wait_until

pytestmark = [pytest.mark.scenario, pytest.mark.browser, pytest.mark.timeout(360)]

ROOT = Path(__file__).parents[3]
KEYS = {
    *("url", "username", "password", "api_token", "database_url", "redis_url"),
    *("kafka_bootstrap_servers", "broker", "processes"),
}
LETTERS_WITHIN_S = 60
GROUP = "PaymentTimeout in charge"
DOWN = "PaymentServiceDown in charge"


class Demo:
    """A demo that runs in a folder of its own."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state
        self.url = state["url"].rstrip("/")

    def get(self, path: str) -> Any:
        request = urllib.request.Request(
            f"{self.url}/api/v1{path}", headers={"Authorization": f"Bearer {self.state['api_token']}"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)

    def groups(self) -> dict[str, dict[str, Any]]:
        return {group["title"]: group for group in self.get("/letter-groups")["items"]}


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    folder = stack.ROOT / f"story-{os.getpid()}"
    without = {"DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "MAINSTAY_SECRET_KEY", "MAINSTAY_BROKER"}
    env = {name: value for name, value in os.environ.items() if name not in without}
    command = [sys.executable, "-m", "reliability.embedded", "demo", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    state_file = folder / "state.json"
    try:
        wait_until(lambda: process.poll() is not None or started(state_file), within_s=120, what="the demo has started")
        assert process.poll() is None, process.stdout.read() if process.stdout else ""
        assert stat.S_IMODE(state_file.stat().st_mode) == 0o600
        yield Demo(json.loads(state_file.read_text()))
    finally:
        pids = json.loads(state_file.read_text())["processes"].values() if state_file.exists() else []
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert not state_file.exists(), "an ended demo leaves no state behind"
        left = [pid for pid in pids if Path(f"/proc/{pid}").exists()]
        stack.remove(folder)
        assert left == [], "a demo leaves no process behind"


def started(state_file: Path) -> bool:
    return state_file.exists() and "demo" in json.loads(state_file.read_text()).get("processes", {})


def test_the_story_of_the_readme(demo: Demo, browser: Browser) -> None:
    assert demo.state.keys() >= KEYS
    assert demo.state["broker"] == "kafka"
    several_kinds = {GROUP, "MalformedEvent in parse", "KeyError in parcel_weight_grams"}
    wait_until(
        lambda: (
            several_kinds <= demo.groups().keys() and any("NumberFormatException" in title for title in demo.groups())
        ),
        within_s=LETTERS_WITHIN_S,
        what="letters of several kinds",
        every_s=1,
    )
    page = browser.new_context().new_page()
    sign_in(page, demo)
    watch_it_fill(page, demo)
    page.goto(f"{demo.url}/demo/")
    page.get_by_role("button", name="Payments recovered").click()
    expect(page.locator("#fault-payments_outage")).to_contain_text("Working")
    replay(page, demo)


def test_an_outage_is_borne_and_everything_returns_by_itself(demo: Demo, browser: Browser) -> None:
    """The payment service goes down: breaker, policy, pause; it comes back: ramp, flag, replay, and all on record."""
    page = browser.new_context().new_page()
    sign_in(page, demo)
    page.goto(f"{demo.url}/breakers/")
    card = page.locator("#breaker-payments")
    expect(card.locator(".status")).to_have_text("Closed", timeout=60_000)
    switch(page, demo, "Break it")
    page.goto(f"{demo.url}/breakers/")
    expect(card.locator(".status")).to_have_text("Open", timeout=15_000)
    expect(card).to_contain_text("failures in a row")
    page.goto(f"{demo.url}/degradation/")
    expect(page.locator("#flag-checkout .status")).to_have_text("1 · Invoice only", timeout=15_000)
    expect(page.locator("#flag-checkout")).to_contain_text("by policy: payments-are-down")
    paused(page, demo)
    letters = demo.groups()[DOWN]["open"]
    page.wait_for_timeout(8_000)
    assert demo.groups()[DOWN]["open"] <= letters + 1, "a probe may fail once; nothing else is tried"
    switch(page, demo, "Payment service is back")
    page.goto(f"{demo.url}/breakers/")
    expect(card.locator(".status")).to_have_text(re.compile("^Recovering"), timeout=45_000)
    expect(card.locator(".status")).to_have_text("Closed", timeout=45_000)
    page.goto(f"{demo.url}/degradation/")
    expect(page.locator("#flag-checkout .status")).to_have_text("Normal", timeout=45_000)
    was_on = outage_is_over(page, demo)  # one of three letters is of the provider that is broken besides
    replay(page, demo, DOWN)
    if was_on:
        page.goto(f"{demo.url}/demo/")
        page.locator("#fault-payments_outage").get_by_role("button", name="Break it").click()
    page.goto(f"{demo.url}/")
    told = page.locator(".timeline").inner_text()
    for line in ("breaker payments opened", "breaker payments recovers", "breaker payments closed", "checkout"):
        assert line in told, told


def switch(page: Page, demo: Demo, word: str) -> None:
    page.goto(f"{demo.url}/demo/")
    page.locator("#fault-payments_down").get_by_role("button", name=word).click()
    expect(page.locator("#fault-payments_down button")).not_to_have_text(word)


def outage_is_over(page: Page, demo: Demo) -> bool:
    """Mend the one provider that the demo begins with broken; False when that was done before."""
    page.goto(f"{demo.url}/demo/")
    button = page.locator("#fault-payments_outage").get_by_role("button", name="Payments recovered")
    if not button.count():
        return False
    button.click()
    expect(page.locator("#fault-payments_outage")).to_contain_text("Working")
    return True


def paused(page: Page, demo: Demo) -> None:
    """The consumer waits, and the page of its group says for what."""
    group = next(each for each in demo.get("/lag/groups")["items"] if each["name"] == "payments")
    page.goto(f"{demo.url}/lag/groups/{group['id']}/")
    expect(page.locator("main")).to_contain_text("breaker payments", timeout=30_000)


def sign_in(page: Page, demo: Demo) -> None:
    page.goto(f"{demo.url}/letters/")
    page.fill("input[name=login]", demo.state["username"])
    page.fill("input[name=password]", demo.state["password"])
    page.locator("main form button, form button[type=submit]").first.click()
    page.wait_for_url(re.compile(r"/letters/$"))


def watch_it_fill(page: Page, demo: Demo) -> None:
    """The page shows more letters than at first without anybody touching it."""
    row = page.locator("tr", has_text=GROUP)
    before = number_in(row.locator("td.num").inner_text())
    deadline = time.monotonic() + 40
    while number_in(row.locator("td.num").inner_text()) <= before:
        assert time.monotonic() < deadline, "the page did not fill by itself"
        page.wait_for_timeout(500)


def replay(page: Page, demo: Demo, group: str = GROUP) -> None:
    page.goto(f"{demo.url}/letters/")
    page.get_by_text(group).first.click()
    page.get_by_role("button", name=re.compile("Plan a replay of")).first.click()
    page.wait_for_url(re.compile(r"/replays/plans/\d+/"))
    page.locator("main [name=reason]").first.fill("the provider has recovered")
    page.locator("main button.primary").first.click()
    page.wait_for_url(re.compile(r"/replays/\d+/"))
    run = re.search(r"/replays/(\d+)/", page.url)
    assert run is not None
    total = demo.get(f"/replays/{run[1]}")["total"]
    expect(page.locator("main .figure").first).to_contain_text(f"{total} confirmed", timeout=90_000)
    assert total > 0
    wait_until(
        lambda: group not in demo.groups() or demo.groups()[group]["open"] == 0,
        within_s=30,
        what="the group is empty",
    )
    page.goto(f"{demo.url}/letters/")
    expect(page.locator("tr", has_text=group)).to_have_count(0)


def number_in(text: str) -> int:
    return int(re.sub(r"\D", "", text) or 0)
