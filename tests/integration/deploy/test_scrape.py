"""What rules and dashboard ask for is there: a real scrape of a console that has something of everything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from reliability.alerts.evaluator import turn
from reliability.certificates.models import Certificate
from reliability.kafka import clusters
from reliability.kernel import clock
from reliability.lag.domain.values import Word
from reliability.live import operations
from tests.support import breakers, deployed, flags, lag, promql, reconciling
from tests.support.replays import World
from tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def everything(settings: Settings) -> Iterator[None]:
    """A process, a group in trouble, a letter and its replay, a comparison, a breaker, a level, a channel."""
    settings.KAFKA_BACKEND = "memory"
    hook = {"kind": "webhook", "url": "https://alerts.example/hook", "secret": "whsec_" + "s" * 32}
    settings.ALERT_CHANNELS = {"ops": hook}
    turn.turn()
    clusters.forget_memory()
    operations.record_beat(name="lag", host="a", pid=1, state="running", facts={}, started_at=clock.SYSTEM.now())
    lag.group(parts=[lag.part(word=Word.STOP, lag=7)], eta_s=60.0, loss_s=600.0)
    world = World(now=clock.SYSTEM.now())
    world.approve(*world.letters(1))
    flags.declare()
    flags.by_hand()
    now = clock.SYSTEM.now()
    Certificate.objects.create(name="kafka main a:9093", role="server", where="a:9093", ends_at=now, tried_at=now)
    with reconciling.books() as books, breakers.clean():
        breakers.mixed().play()
        books.order("o-1")
        assert books.compare()
        yield
    clusters.forget_memory()


def scraped() -> dict[str, list[dict[str, str]]]:
    """The labels of every sample by its name."""
    text = Client().get("/metrics").content.decode()
    found = defaultdict(list)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name].append(dict(sample.labels))
    return found


def test_every_series_of_a_rule_or_a_panel_is_in_a_scrape(everything: None) -> None:
    Client().get("/health/live")
    found = scraped()
    for where, expression in deployed.expressions():
        for each in promql.asked(expression):
            assert found[each.series], f"{where}: {each.series}"
            for labels in found[each.series]:
                assert {*each.matchers, *each.kept} <= labels.keys(), where


def test_queues_are_counted_and_servers_that_answer_are_told() -> None:
    def told() -> bool:
        found = scraped()
        queues = {labels["queue"] for labels in found["mainstay_queue_messages"]}
        answered = {labels["dependency"] for labels in found["mainstay_dependency_up"]}
        return queues == {"relay", "critical", "standard", "bulk"} and answered == {"redis", "kafka"}

    wait_until(told, within_s=30, what="queues and servers are told of")


@pytest.mark.parametrize("broker", ["redis://127.0.0.1:9/0", "amqp://elsewhere", ""])
def test_a_broker_that_is_away_or_another_one_costs_the_figures_of_queues_alone(
    broker: str, settings: Settings
) -> None:
    settings.BROKER_ADDRESS = broker
    found = scraped()
    assert "mainstay_queue_messages" not in found
    assert "mainstay_letters" in found
