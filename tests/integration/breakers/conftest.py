"""Both stores behind one handle that can let time pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from reliability.breakers import connection
from reliability.breakers.stores.fleet import Fleet
from reliability.breakers.stores.memory import MemoryStore
from reliability.breakers.stores.shared import RedisStore


class Shared:
    """A fleet's breakers, and their clock."""

    def __init__(self, store: MemoryStore | RedisStore, wait: Callable[[float], None]) -> None:
        self.store, self.wait = store, wait
        self.fleet = Fleet(store, dice=lambda: 0.5)


def in_memory() -> Shared:
    """Breakers in memory on a clock by hand."""
    now = [1000.0]

    def wait(seconds: float) -> None:
        now[0] += seconds

    return Shared(MemoryStore(lambda: now[0]), wait)


def in_redis() -> Shared:
    """Breakers in Redis on its clock, moved ahead by hand."""
    store = RedisStore()

    def wait(seconds: float) -> None:
        store.ahead_s += seconds

    return Shared(store, wait)


@pytest.fixture
def clean_redis() -> Iterator[None]:
    """Nothing kept from before."""
    client = connection.client()
    client.delete(*client.keys("{mainstay.breakers}*"), "nothing")
    yield
    client.delete(*client.keys("{mainstay.breakers}*"), "nothing")


@pytest.fixture(params=[in_memory, in_redis])
def shared(request: pytest.FixtureRequest, clean_redis: None) -> Shared:
    """Breakers of a fleet, however they are kept."""
    made: Shared = request.param()
    return made
