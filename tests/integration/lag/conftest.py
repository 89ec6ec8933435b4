"""Fixtures of the lag room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.lag.world import World


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    for poller in made.pollers:
        poller.close()
