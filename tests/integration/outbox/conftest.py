"""An empty outbox for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reliability.kafka.memory import MemoryBroker
from tests.support import outbox as outbox_support


@pytest.fixture(autouse=True)
def _empty_outbox(transactional_db: None) -> Iterator[None]:
    outbox_support.empty()
    yield
    outbox_support.close_relays()


@pytest.fixture
def broker() -> MemoryBroker:
    """A broker in memory with the topics ``orders`` (3 partitions) and ``stock`` (2)."""
    made = MemoryBroker()
    made.admin().create_topics({"orders": 3, "stock": 2})
    return made
