"""The live connection breaks and comes back: how soon, and what the reader is told meanwhile."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.functional.conftest import Visits

pytestmark = pytest.mark.browser

RECORD = """() => {
  const Real = WebSocket;
  window.attempts = [];
  window.WebSocket = class extends Real { constructor(...a) { super(...a); window.attempts.push(performance.now()); } };
}"""
SLACK_MS = 1_500  # two cores, a browser and three servers


@dataclass
class Server:
    """A web process that can be killed and started again, as far as sockets can tell."""

    away: bool = False
    open: list[WebSocketRoute] = field(default_factory=list)

    def meet(self, route: WebSocketRoute) -> None:
        """Let a socket through, or end it as a closed port does."""
        if self.away:
            route.close(code=1011)
            return
        route.connect_to_server()
        self.open.append(route)

    def kill(self) -> None:
        """End every socket and let none in."""
        self.away = True
        for route in self.open:
            route.close(code=1011)
        self.open.clear()


@pytest.fixture
def server_of_sockets() -> Server:
    return Server()


def opened(visits: Visits, server: Server) -> Page:
    page = visits.open("ana", new=True)
    page.route_web_socket(re.compile("/live/$"), server.meet)
    page.add_init_script(f"({RECORD})()")
    page.reload()
    expect(page.locator("#live")).to_have_text(re.compile("^Live"))
    return page


def attempts(page: Page) -> list[float]:
    return [float(at) for at in page.evaluate("window.attempts")]


def test_a_killed_server_is_asked_again_at_once_and_then_every_few_seconds(
    visits: Visits, server_of_sockets: Server
) -> None:
    visits.expected = ("WebSocket",)
    page = opened(visits, server_of_sockets)
    killed_at = float(page.evaluate("performance.now()"))
    server_of_sockets.kill()
    expect(page.locator("#live")).to_have_text("Reconnecting", timeout=3_000)
    page.wait_for_timeout(14_000)
    again = [at for at in attempts(page) if at > killed_at]
    assert again[0] - killed_at < 250 + SLACK_MS
    assert len(again) >= 5
    gaps = [later - earlier for earlier, later in itertools.pairwise(again)]
    assert max(gaps) <= 5_000 + SLACK_MS, gaps
    server_of_sockets.away = False
    expect(page.locator("#live")).to_have_text("Live", timeout=5_000 + SLACK_MS)


@pytest.mark.parametrize("event", ["window.dispatchEvent(new Event('online'))", "hidden-and-back"])
def test_it_reconnects_at_once_when_the_network_or_the_reader_is_back(
    visits: Visits, server_of_sockets: Server, event: str
) -> None:
    visits.expected = ("WebSocket",)
    page = opened(visits, server_of_sockets)
    server_of_sockets.kill()
    page.wait_for_timeout(9_000)  # by now it asks every few seconds
    if event == "hidden-and-back":
        event = "document.dispatchEvent(new Event('visibilitychange'))"
    before = len(attempts(page))
    for _ in range(3):  # not by chance
        page.evaluate(event)
        page.wait_for_timeout(50)
    assert len(attempts(page)) >= before + 2


def test_a_socket_that_is_open_but_says_nothing_is_given_up(visits: Visits) -> None:
    visits.expected = ("WebSocket",)
    page = visits.open("ana", new=True)
    page.route_web_socket(re.compile("/live/$"), lambda route: None)  # let in, and nobody speaks
    page.add_init_script(f"({RECORD})()")
    page.reload()
    page.wait_for_timeout(13_500)
    first, second = attempts(page)[:2]
    assert 9_000 < second - first < 12_000 + SLACK_MS
