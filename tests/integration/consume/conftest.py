"""Empty tables and, for those that ask, a shop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from reliability.kafka import clusters
from tests.integration.consume.shop import Shop
from tests.support import outbox


@pytest.fixture(autouse=True)
def _emptied(db: None) -> None:
    outbox.empty()


@pytest.fixture
def shop(settings: Any, transactional_db: None) -> Iterator[Shop]:
    settings.KAFKA_BACKEND = "memory"
    clusters.forget_memory()
    made = Shop()
    made.broker.log.create({"orders": 2})
    yield made
    made.close()
    clusters.forget_memory()
