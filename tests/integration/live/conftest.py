"""A clean Redis for tests of live pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reliability.live import connection, hints, pulse, queries


@pytest.fixture
def clean_redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No versions from before, and a publisher that remembers nothing."""
    monkeypatch.setattr(hints, "PUBLISHER", hints.Publisher())
    client = connection.client()
    client.delete(*client.keys("{mainstay.live}*"), "nothing")
    yield
    client.delete(*client.keys("{mainstay.live}*"), "nothing")


@pytest.fixture
def in_a_hurry(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything four times as often, but where the time itself is tested."""
    if "within_five_seconds" not in request.node.name:
        for module, name in ((pulse, "PING_EVERY_S"), (pulse, "RECHECK_EVERY_S"), (queries, "POLL_EVERY_S")):
            monkeypatch.setattr(module, name, getattr(module, name) / 4)
