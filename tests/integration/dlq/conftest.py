"""Dead letters on real PostgreSQL; Kafka in memory unless a test asks for the broker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django import Settings

from reliability.kafka import clusters
from tests.support.replays import World


@pytest.fixture
def world(db: None, settings: Settings) -> Iterator[World]:
    settings.KAFKA_BACKEND = "memory"
    clusters.forget_memory()
    with connection.cursor() as cursor:  # the outbox's tables are not Django's: no flush empties them
        cursor.execute("DELETE FROM outbox_event; DELETE FROM outbox_receipt")
    yield World()
    clusters.forget_memory()
