"""OFREP as the real clients of npm read it: the server's in Node.js, the web's in Chromium.

Both are fetched by set-up's npm at the versions of package-lock.json. Node.js is set-up's own, so nothing is left out
on a machine that has none.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Response, Route
from pytest_django import Settings

from reliability.degradation.models import Flag
from tests.functional.conftest import new_context, server
from tests.integration.degradation.test_levels import setting
from tests.integration.degradation.test_ofrep import EVERY, ONE, agent, heard, token
from tests.support import npm

__all__ = ["agent", "server"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

HERE = npm.bootstrap.CHECKOUT / "tests" / "integration" / "degradation"
NODE_WITHIN_S = 60
MODULES = {
    "@openfeature/core": "@openfeature/core/dist/esm/index.js",
    "@openfeature/web-sdk": "@openfeature/web-sdk/dist/esm/index.js",
    "@openfeature/ofrep-web-provider": "@openfeature/ofrep-web-provider/index.esm.js",
    "@openfeature/ofrep-core": "@openfeature/ofrep-web-provider/node_modules/@openfeature/ofrep-core/index.esm.js",
}
DOCUMENT = f"""<!doctype html><title>A shop</title><link rel="icon" href="data:,">
<script type="importmap">{json.dumps({"imports": {name: f"/npm/{path}" for name, path in MODULES.items()}})}</script>
<script type="module" src="/npm/shop.mjs"></script>"""


def in_node(address: str, secret: str, *questions: str) -> list[dict[str, Any]]:
    """Ask by the server's client, in a process of Node.js."""
    npm.modules()
    command = [npm.node(), HERE / "ofrep_server.mjs", address, secret, *questions]
    done = subprocess.run(command, capture_output=True, text=True, timeout=NODE_WITHIN_S, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@dataclass
class Shop:
    """A page that loads the web's client; ``asked`` has what it asked of OFREP, and how it was answered."""

    page: Page
    address: str
    origin: str
    asked: list[tuple[str, int]] = field(default_factory=list)
    queries: list[dict[str, list[str]]] = field(default_factory=list)

    def open(self) -> None:
        """Load the page anew."""
        self.page.goto(f"{self.origin}/a-shop")
        self.page.wait_for_function("window.shop")

    def start(self, secret: str, **options: object) -> str:
        """Start the provider; return its state, or the code of what went wrong."""
        given = {"baseUrl": self.address, **options}
        state: str = self.page.evaluate("([secret, options]) => shop.start(secret, options)", [secret, given])
        return state

    def details(self, kind: str, key: str, otherwise: object) -> dict[str, Any]:
        """What the client says of a flag."""
        call = "([kind, key, otherwise]) => shop[kind](key, otherwise)"
        found: dict[str, Any] = self.page.evaluate(call, [kind, key, otherwise])
        return found

    def level(self) -> object:
        """The level of recommendations, as the page knows it."""
        return self.details("number", "recommendations", 7)["value"]

    def until(self, expression: str) -> None:
        """Wait until this holds in the page."""
        self.page.wait_for_function(expression)

    def note(self, response: Response) -> None:
        """An answer came."""
        address = urlsplit(response.url)
        if address.path.startswith("/ofrep/") and response.request.method != "OPTIONS":
            self.asked.append((address.path, response.status))
            self.queries.append(parse_qs(address.query))


def content(path: str) -> tuple[bytes, str]:
    """The page, its script, or a file of npm's packages; and its type."""
    if path == "/a-shop":
        return DOCUMENT.encode(), "text/html"
    name = path.removeprefix("/npm/")
    file = HERE / "ofrep_web.mjs" if name == "shop.mjs" else npm.modules() / name
    return file.read_bytes(), "text/javascript"


class OtherSite(BaseHTTPRequestHandler):
    """The shop as a site of its own."""

    def do_GET(self) -> None:
        """Answer with the page or a file."""
        self.send_response(200)
        body, kind = content(self.path)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing."""


@pytest.fixture(scope="module")
def other_site() -> Iterator[str]:
    """The address of a site that is not the console's."""
    with ThreadingHTTPServer(("127.0.0.1", 0), OtherSite) as site:
        Thread(target=site.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{site.server_port}"
        site.shutdown()


def within(route: Route) -> None:
    """Answer for the console with a page that it has not."""
    body, kind = content(urlsplit(route.request.url).path)
    route.fulfill(body=body, content_type=kind)


@pytest.fixture(params=["the same site", "another site"])
def shop(
    request: pytest.FixtureRequest, server: str, other_site: str, browser: Browser, settings: Settings
) -> Iterator[Shop]:
    """A page with the web's client, of the console's own site, or of one that a setting names."""
    origin = server if request.param == "the same site" else other_site
    context = new_context(browser, origin)
    page = context.new_page()
    if origin == server:
        page.route(f"{origin}/a-shop", within)
        page.route(f"{origin}/npm/**", within)
    else:
        settings.OFREP_ORIGINS = [origin]
    made = Shop(page=page, address=server, origin=origin)
    page.on("response", made.note)
    made.open()
    yield made
    context.close()


def test_the_server_client_of_npm_reads_levels_and_errors(flag: Flag, server: str) -> None:
    secret = token()
    setting(flag, 2)
    heard(2)
    questions = ["number:recommendations:7", "number:checkout:7", "number:nothing:7"]
    found, normal, unknown = in_node(server, secret, *questions)
    assert (found["value"], found["variant"], found["reason"]) == (2, "off", "STATIC")
    assert "errorCode" not in found
    assert found["flagMetadata"]["loses"] == "No recommendations are shown."
    assert found["flagMetadata"]["degraded"] is True
    assert (normal["value"], normal["flagMetadata"]["degraded"]) == (0, False)
    assert (unknown["value"], unknown["errorCode"]) == (7, "FLAG_NOT_FOUND")


def test_the_server_client_of_npm_keeps_its_default_where_the_type_is_another(flag: Flag, server: str) -> None:
    kinds = ["boolean:recommendations:true", "string:recommendations:all", "object:recommendations:x"]
    answers = in_node(server, token(), *kinds)
    assert [answer["value"] for answer in answers] == [True, "all", {"otherwise": "x"}]
    assert {answer["errorCode"] for answer in answers} == {"TYPE_MISMATCH"}


@pytest.mark.parametrize("secret", ["mst_wrong", "mst_" + "x" * 43])
def test_the_server_client_of_npm_keeps_its_default_with_a_wrong_token(flag: Flag, server: str, secret: str) -> None:
    setting(flag, 2)
    [refused] = in_node(server, secret, "number:recommendations:7")
    assert (refused["value"], refused["errorCode"], refused["reason"]) == (7, "GENERAL", "ERROR")


def test_the_web_client_of_npm_reads_levels_and_errors(flag: Flag, shop: Shop) -> None:
    setting(flag, 2)
    heard(2)
    assert shop.start(token()) == "READY"
    found = shop.details("number", "recommendations", 7)
    assert (found["value"], found["variant"], found["reason"]) == (2, "off", "STATIC")
    assert found["flagMetadata"]["loses"] == "No recommendations are shown."
    assert shop.details("number", "checkout", 7)["value"] == 0
    unknown = shop.details("number", "nothing", 7)
    assert (unknown["value"], unknown["errorCode"]) == (7, "FLAG_NOT_FOUND")
    for kind, otherwise in (("boolean", True), ("string", "all")):
        other = shop.details(kind, "recommendations", otherwise)
        assert (other["value"], other["errorCode"]) == (otherwise, "TYPE_MISMATCH")
    assert shop.asked[0] == (EVERY, 200)
    assert ONE not in [path for path, _ in shop.asked], "a page asks for all flags at once"


def test_the_web_client_of_npm_hears_of_changes_by_the_stream(flag: Flag, shop: Shop) -> None:
    assert shop.start(token()) == "READY"
    assert shop.level() == 0
    setting(flag, 1)
    shop.until("shop.number('recommendations', 7).value === 1")
    flag.refresh_from_db()
    setting(flag, 2)
    shop.until("shop.number('recommendations', 7).value === 2")
    assert shop.page.evaluate("shop.heard.changed") == [["recommendations"], ["recommendations"]]
    assert shop.page.evaluate("[shop.heard.stale, shop.heard.errors]") == [0, 0]
    asked = [(path, status) for path, status in shop.asked if path == EVERY]
    assert asked == [(EVERY, 200)] * 3, "it asks when it is told, and only then"
    assert ("/ofrep/v1/events", 200) in shop.asked
    assert [query.get("flagConfigEtag") is not None for query in shop.queries if "ticket" not in query] == [
        False,
        True,
        True,
    ]


def test_the_web_client_of_npm_is_answered_304_while_nothing_changes(flag: Flag, shop: Shop) -> None:
    setting(flag, 2)
    heard(2)
    secret = token()
    assert shop.start(secret, changeDetection="polling", pollInterval=200) == "READY"
    shop.until("performance.getEntriesByType('resource').filter(e => e.name.endsWith('/flags')).length >= 4")
    assert [status for _, status in shop.asked][:3] == [200, 304, 304]
    assert shop.level() == 2
    flag.refresh_from_db()
    setting(flag, 1)
    shop.until("shop.number('recommendations', 7).value === 1")
    assert "/ofrep/v1/events" not in [path for path, _ in shop.asked]


def test_the_web_client_of_npm_goes_on_with_what_it_kept(flag: Flag, shop: Shop) -> None:
    setting(flag, 2)
    heard(2)
    secret = token()
    assert shop.start(secret) == "READY"
    shop.open()
    with shop.page.expect_response(lambda answer: answer.status == 304):
        assert shop.start(secret) == "READY"
        found = shop.details("number", "recommendations", 7)
        assert (found["value"], found["reason"]) == (2, "CACHED"), "before anything is asked"
    flag.refresh_from_db()
    setting(flag, 1)  # the stream's address is one that it kept as well
    shop.until("shop.number('recommendations', 7).value === 1")
    assert shop.details("number", "recommendations", 7)["reason"] == "STATIC"


def test_the_web_client_of_npm_is_told_that_its_token_is_wrong(flag: Flag, shop: Shop) -> None:
    setting(flag, 2)
    assert shop.start("mst_wrong") == "PROVIDER_FATAL"
    assert shop.page.evaluate("shop.status()") == "FATAL"
    refused = shop.details("number", "recommendations", 7)
    assert (refused["value"], refused["errorCode"]) == (7, "PROVIDER_FATAL")
    assert shop.asked == [(EVERY, 401)]
