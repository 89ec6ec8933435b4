"""Makes each test once per broker that can do what it needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings

from tests.contracts.kafka import brokers


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "broker" in metafunc.fixturenames:
        needed = getattr(metafunc.function, "needs", frozenset())
        able = [name for name, capabilities in brokers.CAPABILITIES.items() if needed <= capabilities]
        metafunc.parametrize("broker", able, indirect=True)


@pytest.fixture(scope="session")
def in_process() -> Iterator[brokers.OverClient]:
    with brokers.in_process() as broker:
        yield broker


@pytest.fixture(scope="session")
def real() -> Iterator[brokers.OverClient]:
    broker = brokers.OverClient("real", str(settings.KAFKA_CLUSTERS["main"]["bootstrap.servers"]))
    yield broker
    broker.clean_up()


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> brokers.Broker:
    if request.param == "memory":
        return brokers.InMemory()
    found: brokers.Broker = request.getfixturevalue("in_process" if request.param == "in-process" else "real")
    return found
