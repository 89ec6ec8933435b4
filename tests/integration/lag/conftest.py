"""Fixtures of the lag room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from reliability.access import Role
from reliability.kafka import clusters
from reliability.kernel import clock
from reliability.kernel.record import TopicPartition
from tests.integration.lag.world import World
from tests.support import actors


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    for poller in made.pollers:
        poller.close()


@pytest.fixture
def stopped(settings: Settings, monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Iterator[World]:
    """A group without members on the cluster that the console's own acts reach: 40 and 10 records behind the end of a
    log that begins at 5. The console reads the world's clock."""
    settings.KAFKA_BACKEND = "memory"
    clusters.forget_memory()
    made = World(clusters.memory_broker())
    monkeypatch.setattr(clock, "SYSTEM", made.time)
    made.group()
    made.commit(60)
    made.commit(90, partition=1)
    for partition in (0, 1):
        made.end(100, partition=partition)
        made.play.starts[TopicPartition("orders", partition)] = 5
    made.polls()
    yield made
    for poller in made.pollers:
        poller.close()
    clusters.forget_memory()


@pytest.fixture
def ana(client: Client, stopped: World) -> Client:
    """An operator's browser."""
    client.force_login(actors.account(Role.OPERATOR, name="ana").user)
    return client


@pytest.fixture
def vito(stopped: World) -> Client:
    """A viewer's."""
    client = Client()
    client.force_login(actors.account(Role.VIEWER, name="vito").user)
    return client
