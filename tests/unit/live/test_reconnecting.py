"""How soon a worker hears again after Redis was away."""

from __future__ import annotations

import kombu.utils.functional
import pytest
from kombu.exceptions import OperationalError

from reliability.celery import RECONNECT_EVERY_S, app
from reliability.live.domain.processes import SILENT_AFTER_S
from tests.support.network import refusing_port

TRIES = 25  # with Celery's own intervals the last ones are half a minute apart


class Enough(Exception):
    """It was tried often enough."""


def test_however_long_redis_was_away_it_is_looked_for_every_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kombu.utils.functional, "sleep", lambda seconds: None)
    waits: list[float] = []

    def failed(error: Exception, interval_s: float) -> None:
        waits.append(interval_s)
        if len(waits) == TRIES:
            raise Enough

    connection = app.connection_for_read(f"redis://127.0.0.1:{refusing_port()}/0")
    with pytest.raises((Enough, OperationalError)):
        connection.ensure_connection(failed, None)  # as worker and beat ask for it
    assert len(waits) == TRIES
    assert max(waits) <= RECONNECT_EVERY_S < SILENT_AFTER_S / 2
