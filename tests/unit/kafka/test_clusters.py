"""Clients by cluster name."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from reliability.kafka import clusters, memory


def test_a_cluster_nobody_configured_is_named_with_those_that_are(settings: Settings) -> None:
    settings.KAFKA_CLUSTERS = {"main": {}, "other": {}}
    with pytest.raises(clusters.UnknownCluster, match=r"'third'.*'main', 'other'"):
        clusters.profile("third")
    assert clusters.names() == ["main", "other"]


def test_in_memory_each_cluster_has_a_broker_of_its_own(settings: Settings) -> None:
    settings.KAFKA_BACKEND = "memory"
    clusters.forget_memory()
    clusters.memory_broker("main").log.create({"orders": 1})
    assert clusters.admin("main").topics() == {"orders": 1}
    assert clusters.admin("other").topics() == {}
    assert isinstance(clusters.memory_broker(), memory.MemoryBroker)
    clusters.forget_memory()
    assert clusters.admin("main").topics() == {}
