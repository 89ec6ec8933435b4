"""Lag for Prometheus: kafka-lag-exporter's names and labels; what is not known has no sample."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from reliability.kernel import clock
from reliability.kernel.telemetry import names
from reliability.lag.domain.values import Word
from reliability.lag.queries import figures
from tests.support import lag

pytestmark = pytest.mark.django_db


def values(metric: names.Metric) -> dict[tuple[str, ...], float]:
    """Samples of a metric by their labels, in the metric's order."""
    return {
        tuple(figure.labels[label] for label in metric.labels): figure.value
        for figure in figures.figures()
        if figure.metric is metric
    }


def test_partitions_groups_and_topics_have_the_exporters_series() -> None:
    lag.group(
        "billing",
        [lag.part(lag=9, owner=0), lag.part(partition=1, lag=4, lag_s=5.0, owner=-1), lag.part("stock", lag=2)],
        members=[lag.member(0)],
    )
    lag.topic(rows=[[0, 1, 5, 1_000, 990, ""]])
    owner = ("/10.0.0.1", "worker-0-0f3c0000", "worker-0")
    assert values(names.KLE_LAG) == {
        ("main", "billing", "orders", "0", *owner): 9,
        ("main", "billing", "orders", "1", "", "", ""): 4,
        ("main", "billing", "stock", "0", *owner): 2,
    }
    assert values(names.KLE_OFFSET)["main", "billing", "orders", "1", "", "", ""] == 996
    assert values(names.KLE_SUM_LAG) == {("main", "billing"): 15}
    assert values(names.KLE_MAX_LAG) == {("main", "billing"): 9}
    assert values(names.KLE_MAX_LAG_SECONDS) == {("main", "billing"): 720.0}
    assert values(names.KLE_TOPIC_SUM_LAG) == {("main", "billing", "orders"): 13, ("main", "billing", "stock"): 2}
    assert values(names.KLE_LATEST) == {("main", "orders", "0"): 1_000}
    assert values(names.KLE_EARLIEST) == {("main", "orders", "0"): 5}
    assert values(names.KLE_POLL_TIME_MS) == {("main",): 310.0}
    assert values(names.LAG_VERDICT) == {("main", "billing", "OK"): 1}


def test_what_is_not_known_has_no_sample() -> None:
    lag.cluster(took_s=None)
    lag.group("untold", [lag.part(word=Word.UNKNOWN, lag=None)])
    lag.topic(rows=[[0, -1, None, None, None, "no leader"]])
    named = {figure.metric.name for figure in figures.figures()}
    assert named == {names.LAG_VERDICT.name, names.LAG_PARTITIONS_LEFT_OUT.name, names.LAG_POLL_AGE.name}


def test_each_cluster_tells_since_when_nobody_looked_also_one_that_never_answered() -> None:
    now = clock.SYSTEM.now()
    lag.cluster(name="main", polled_at=now)
    lag.cluster(name="dead", polled_at=now - timedelta(hours=1))  # whoever polled it has gone
    lag.cluster(name="eu", polled_at=None, took_s=None, error="no answer", error_since=now - timedelta(minutes=7))
    lag.cluster(name="old", polled_at=now - timedelta(days=9), retired_at=now)
    ages = values(names.LAG_POLL_AGE)
    assert {name: round(age / 60) for (name,), age in ages.items()} == {"main": 0, "dead": 60, "eu": 7}
    assert set(values(names.KLE_POLL_TIME_MS)) == {("main",)}


def test_a_group_that_is_gone_has_no_series() -> None:
    lag.group(gone_at=clock.SYSTEM.now() - timedelta(minutes=1))
    assert values(names.LAG_VERDICT) == {}
    assert values(names.KLE_LAG) == {}
    assert values(names.KLE_MAX_LAG) == {}


def test_series_of_partitions_are_bounded_the_worst_groups_first_and_the_rest_is_counted(settings: Settings) -> None:
    settings.LAG_PARTITION_SERIES_MAX = 3
    lag.group("fine", [lag.part(partition=number) for number in range(4)])
    lag.group("stalled", [lag.part(partition=number, word=Word.STALL, lag=1) for number in range(2)])
    lag.topic(partitions=5)
    groups = [group for _, group, *_ in values(names.KLE_LAG)]
    assert sorted(groups) == ["fine", "stalled", "stalled"]
    assert len(values(names.KLE_LATEST)) == 3
    assert values(names.LAG_PARTITIONS_LEFT_OUT) == {(): 3 + 2}
    assert values(names.KLE_SUM_LAG) == {("main", "stalled"): 2, ("main", "fine"): 0}, "sums are of all groups"


def test_prometheus_gets_them_under_their_names(client: Client) -> None:
    lag.group('odd "name" \\ of\na group')
    text = client.get("/metrics").content.decode()
    assert 'kafka_consumergroup_group_sum_lag{cluster_name="main",group="odd \\"name\\" \\\\ of\\na group"} 0.0' in text
    assert "# HELP kafka_consumergroup_group_lag Records a partition is behind" in text
    assert "mainstay_figures_unread 0.0" in text
