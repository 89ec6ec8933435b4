"""What every test stands on."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import hypothesis
import pytest
from playwright.sync_api import Browser, sync_playwright

from reliability.embedded import chromium
from tests.support import agents, browsing, database, interpreter, pool

hypothesis.settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)  # how long a loaded machine takes to think of an example says nothing of the code
hypothesis.settings.load_profile("any-machine")
interpreter.one_ast_at_a_time()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, object, object]:
    """Tests with a browser come last: once Playwright runs, its event loop runs in this thread until the very end."""
    result = yield
    items.sort(key=lambda item: "browser" in getattr(item, "fixturenames", ()))
    return result


@pytest.fixture(scope="session", autouse=True)
def _audit_survives_the_flush() -> Iterator[None]:
    with database.flush_that_spares_the_audit():
        yield


@pytest.fixture(scope="session", autouse=True)
def _pool_is_watched() -> Iterator[None]:
    with pool.watched():
        yield


@pytest.fixture(autouse=True)
def _threads_give_back_their_connections() -> Iterator[None]:
    """A thread that ends with a connection takes it from everybody for good."""
    yield
    assert pool.lost() == []


@pytest.fixture(autouse=True)
def _agents_end() -> Iterator[None]:
    """Threads that keep breakers and flags true end with the test that needed them: the next one has its own."""
    yield
    agents.end()


@pytest.fixture
def audit_twin(db: None) -> None:
    """An audit that may be tampered with; see ``tests/support/database.py``."""
    database.take_twin_of_the_audit()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The one Chromium of all tests: a second Playwright could not begin in this thread."""
    program = chromium.find()
    assert program is not None, chromium.SENTENCE
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(program), args=list(browsing.ARGUMENTS))
        yield started
        started.close()
