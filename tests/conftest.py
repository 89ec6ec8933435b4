"""What every test stands on."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from tests.support import database


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


@pytest.fixture
def audit_twin(db: None) -> None:
    """An audit that may be tampered with; see ``tests/support/database.py``."""
    database.take_twin_of_the_audit()
