"""A clean Redis for tests of live pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reliability.live import connection, hints


@pytest.fixture
def clean_redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No versions from before, and a publisher that remembers nothing."""
    monkeypatch.setattr(hints, "PUBLISHER", hints.Publisher())
    client = connection.client()
    client.delete(*client.keys("{mainstay.live}*"), "nothing")
    yield
    client.delete(*client.keys("{mainstay.live}*"), "nothing")
