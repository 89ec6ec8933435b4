"""The console served to a real browser: the ASGI application in a thread, Chromium, three people signed in.

The server runs in the test's own process, so a test may store letters, feed runs and take receipts by operations while
the browser looks. Each test ends with a check that its pages logged no error and broke no content policy.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import uvicorn
from django.conf import settings as django_settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect
from pytest_django import DjangoDbBlocker, Settings

from reliability.access import Role
from reliability.kafka import clusters
from reliability.kernel import clock
from tests.support import actors, outbox
from tests.support.replays import World

# Playwright's own loop runs in the test's thread; Django would refuse the ORM there, although nothing is shared.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

WIDTH, HEIGHT = 1440, 900
STARTED_WITHIN_S = 20
WAIT_MS = 15_000  # two cores run a browser, a server and three databases
expect.set_options(timeout=WAIT_MS)


@pytest.fixture(scope="session")
def server(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The address of the console on the test's database, which it may ask between tests too."""
    with django_db_blocker.unblock():
        yield from _serve()


def _serve() -> Iterator[str]:
    from reliability.asgi import application

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = uvicorn.Config(
        application, host="127.0.0.1", port=port, log_config=None, ws="websockets-sansio", timeout_graceful_shutdown=1
    )
    web = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(web.serve()), name="test-server", daemon=True)
    thread.start()
    deadline = time.monotonic() + STARTED_WITHIN_S
    while not web.started:
        assert thread.is_alive(), "the server ended at once"
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    web.should_exit = True
    thread.join(10)
    _end_other_sessions()


def _end_other_sessions() -> None:
    """Close what the server's threads left open: the test database cannot be dropped before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    connection.close()
    close_pool = getattr(connection, "close_pool", None)  # PostgreSQL's own
    if close_pool is not None:
        close_pool()


class Lent:
    """One page in a browser of its own that test after test is given as if it were new: a new one takes half a second.

    ``hear`` is told what its console says and what its scripts raise.
    """

    def __init__(self, browser: Browser, server: str) -> None:
        self._server = server
        self.context = new_context(browser, server)
        self.page = self.context.new_page()
        self.hear: Callable[[str, str], None] | None = None
        listen(self.page, lambda kind, text: self.hear(kind, text) if self.hear is not None else None)

    def give_back(self) -> bool:
        """Make it as new; False when it cannot be given again."""
        self.hear = None
        if self.page.is_closed():
            return False
        self.context.set_offline(False)
        self.page.unroute_all(behavior="ignoreErrors")
        self.page.goto("about:blank")
        self.context.clear_cookies()
        devtools = self.context.new_cdp_session(self.page)
        devtools.send("Storage.clearDataForOrigin", {"origin": self._server, "storageTypes": "all"})
        devtools.detach()
        return len(self.context.pages) == 1


def new_context(browser: Browser, server: str, *, script: bool = True, width: int = WIDTH) -> BrowserContext:
    """A browser that knows nobody."""
    viewport = ViewportSize(width=width, height=HEIGHT)
    context = browser.new_context(viewport=viewport, java_script_enabled=script, base_url=server)
    context.set_default_timeout(WAIT_MS)
    return context


def listen(page: Page, hear: Callable[[str, str], None]) -> None:
    """Pass on what a page's console says and what its scripts raise: what kind it is, and the words."""
    page.on("console", lambda message: hear(message.type, message.text))
    page.on("pageerror", lambda error: hear("error", f"error: {error}"))


@dataclass
class Visits:
    """Opens browsers for people, and remembers what their pages complained of."""

    browser: Browser
    server: str
    lent: Lent | None = None
    complaints: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    def open(
        self, username: str = "", *, path: str = "/", script: bool = True, width: int = WIDTH, new: bool = False
    ) -> Page:
        """A browser that knows nothing, with this person signed in, on a page; ``new`` for what cannot be undone."""
        page = self._new_page(script=script, width=width) if new or not script else self._lent_page(width)
        if username:
            page.context.add_cookies([{"name": "sessionid", "value": signed_in(username), "url": self.server}])
        page.goto(path)
        return page

    def _lent_page(self, width: int) -> Page:
        if self.lent is None or self.lent.hear is not None:  # taken by this test before
            return self._new_page(script=True, width=width)
        self.lent.hear = self._hear
        self.lent.page.set_viewport_size({"width": width, "height": HEIGHT})
        return self.lent.page

    def _new_page(self, *, script: bool, width: int) -> Page:
        context = new_context(self.browser, self.server, script=script, width=width)
        self.contexts.append(context)
        page = context.new_page()
        listen(page, self._hear)
        return page

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error" and not any(part in text for part in self.expected):
            self.complaints.append(text)

    def close(self) -> None:
        """Close every browser opened."""
        for context in self.contexts:
            context.close()


def signed_in(username: str) -> str:
    """The key of a new session of this person."""
    user = get_user_model().objects.get(username=username)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = django_settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


@pytest.fixture
def people(transactional_db: None) -> None:
    """An operator, a viewer and an admin."""
    actors.account(Role.OPERATOR, name="ana")
    actors.account(Role.VIEWER, name="vito")
    actors.account(Role.ADMIN, name="ada")


@pytest.fixture(scope="session")
def lending() -> dict[str, Lent]:
    """The page that is given to test after test, once there is one."""
    return {}


@pytest.fixture
def visits(server: str, browser: Browser, people: None, lending: dict[str, Lent]) -> Iterator[Visits]:
    """What opens pages; fails the test when a page logged an error."""
    if server not in lending:
        lending[server] = Lent(browser, server)
    made = Visits(browser=browser, server=server, lent=lending[server])
    yield made
    made.close()
    if not lending[server].give_back():
        lending.pop(server).context.close()
    assert made.complaints == []


@pytest.fixture
def world(transactional_db: None, settings: Settings) -> Iterator[World]:
    """Letters and replays, with Kafka in memory and the clock of today."""
    settings.KAFKA_BACKEND = "memory"
    clusters.forget_memory()
    outbox.empty()
    yield World(now=clock.SYSTEM.now())
    clusters.forget_memory()
    outbox.empty()


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait for something outside the browser."""

    def wait(done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_MS / 1000
        while not done():
            assert time.monotonic() < deadline, "it did not happen"
            time.sleep(0.1)

    return wait
