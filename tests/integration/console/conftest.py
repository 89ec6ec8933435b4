"""A database that cannot be reached, for tests of what is shown then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

from reliability.console import outage
from tests.support.network import refusing_port, silent_port
from tests.support.waiting import wait_until

Unplug = Callable[[str], "contextmanager[None]"]


@contextmanager
def _unplugged(how: str) -> Iterator[None]:
    """While it lasts, new connections go to a port that refuses or one that never answers."""
    kept = connection.settings_dict["PORT"]
    with silent_port() as silent:
        connection.close()
        connection.close_pool()
        connection.settings_dict["PORT"] = str(refusing_port() if how == "refuses" else silent)
        try:
            yield
        finally:
            connection.close()
            connection.close_pool()
            connection.settings_dict["PORT"] = kept


@pytest.fixture
def unplugged(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """``with unplugged("refuses")`` or ``"hangs"``; the watch starts without knowing anything."""
    monkeypatch.setattr(outage, "WATCH", outage.Watch())
    monkeypatch.setattr(outage, "ASK_EVERY_S", 0.1)
    yield _unplugged
    outage.WATCH.stop()
    wait_until(lambda: not outage.WATCH.watched, within_s=10, what="the watch ends, and its connection")
