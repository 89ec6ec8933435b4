"""An account without rights: doctor names each that is missing, and what it prints grants them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from django.db import transaction

import outbox
from dlq.models import Source
from reliability.console import rights_check
from reliability.console.registry import CheckResult
from reliability.settings.clusters import Profile
from tests.support import outbox as stock
from tests.support import secured_broker
from tests.support.secured_broker import SecuredBroker
from tests.support.waiting import wait_until

LETTERS, TARGET = "orders.dlq", "orders.placed"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    with secured_broker.running(Path(tmp_path_factory.mktemp("rights"))) as running:
        admin = AdminClient(running.profile)
        topics = [NewTopic(name, num_partitions=1, replication_factor=1) for name in (LETTERS, TARGET, "other")]
        for done in admin.create_topics(topics).values():
            done.result(20)
        yield running


@pytest.fixture
def work(db: None) -> None:
    """Letters were stored of a topic, and an event waits for another; nothing else is left of other tests."""
    stock.empty()
    now = datetime.now(UTC)
    Source.objects.create(cluster="main", topic=LETTERS, topic_id="x", first_seen=now, last_seen=now)
    with transaction.atomic():
        outbox.append(topic=TARGET, key=b"k", value=b"v", aggregate=("order", "1"))


def commands(result: CheckResult) -> list[str]:
    return [line for line in result.remedy.splitlines() if line.startswith("kafka-acls.sh")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("listener", "principal"), [("login", "console"), ("mutual", "CN=console,O=Example")])
def test_what_doctor_prints_grants_what_is_missing(
    broker: SecuredBroker, work: None, settings: Any, listener: str, principal: str
):
    settings.KAFKA_BACKEND, settings.KAFKA_CLUSTERS = "confluent", {"main": Profile(broker.at(listener))}
    before = rights_check.kafka_rights()
    assert before.verdict == "fail"
    assert before.found == "11 of 11 rights are missing"
    for sentence in (
        "Read on group mainstay-letters: reads dead letters, and commits what is stored in a group of its own",
        f"Read on topic {LETTERS}: reads its dead letters; without it they are not seen",
        f"Write on topic {TARGET}: sends the events of the outbox, also replays; without it they are parked",
        "Describe on every topic: ",
        "Read on every topic: ",
        "DescribeConfigs on every topic: ",
        "Describe on every group: ",
        "Read on every group: ",
        "Delete on every group: ",
        "Describe on the cluster: ",
        "DescribeConfigs on the cluster: ",
    ):
        assert sentence in before.remedy
    printed = commands(before)
    assert len(printed) == 6
    assert all(f"User:{principal}" in each for each in printed)
    assert secured_broker.PASSWORD not in before.remedy
    broker.run_as_admin(printed, listener=listener)
    wait_until(lambda: rights_check.kafka_rights().verdict == "ok", within_s=20, what="the rights are there")
    assert rights_check.kafka_rights().found == "all 11 rights are there"


@pytest.mark.django_db(transaction=True)
def test_a_cluster_that_does_not_answer_is_not_known(settings: Any):
    settings.KAFKA_BACKEND = "confluent"
    settings.KAFKA_CLUSTERS = {"main": {"bootstrap.servers": "127.0.0.1:9"}, "eu": {"bootstrap.servers": "127.0.0.1:9"}}
    result = rights_check.kafka_rights()
    assert (result.verdict, result.remedy) == ("warn", "See the line of kafka.")
    assert result.found.startswith("cluster eu: not known: ")
    assert "; cluster main: not known: " in result.found


@pytest.mark.django_db(transaction=True)
def test_where_nobody_is_asked_for_rights_all_are_there(settings: Any):
    result = rights_check.kafka_rights()
    assert result.verdict == "ok", result
