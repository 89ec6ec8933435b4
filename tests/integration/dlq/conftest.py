"""Dead letters on real PostgreSQL; Kafka in memory unless a test asks for the broker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from reliability.kafka import clusters
from tests.support import outbox
from tests.support.replays import World


@pytest.fixture
def world(db: None, settings: Settings) -> Iterator[World]:
    settings.KAFKA_BACKEND = "memory"
    clusters.forget_memory()
    outbox.empty()
    yield World()
    clusters.forget_memory()
