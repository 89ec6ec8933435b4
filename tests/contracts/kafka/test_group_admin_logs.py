"""The group admin's part of the contract: the logs that groups read, and who is not there."""

from __future__ import annotations

import time

import pytest

from reliability.kafka import ports
from reliability.kernel.record import TopicPartition
from tests.contracts.kafka import brokers, talking
from tests.contracts.kafka.brokers import EXPIRES, LISTS_GROUPS, Broker, needs
from tests.support.waiting import wait_until


@needs(LISTS_GROUPS)
def test_the_layout_names_each_partition_with_its_leader(broker: Broker) -> None:
    topic = broker.topic(partitions=3)
    layout = broker.group_admin().layout()
    assert {place: leader for place, leader in layout.items() if place.topic == topic} == {
        TopicPartition(topic, number): 1 for number in range(3)
    }
    assert not [place for place in layout if place.topic.startswith("__")]


@needs(EXPIRES)
def test_starts_and_ends_follow_what_is_written_and_what_expires(broker: Broker) -> None:
    _, [zero, one] = talking.filled(broker, partitions=2, each=3)
    broker.expire(zero, 2)
    admin = broker.group_admin()
    assert admin.starts([zero, one]) == {zero: 2, one: 0}
    assert admin.ends([zero, one], stable=False) == {zero: 3, one: 3}
    assert admin.ends([zero, one], stable=True) == {zero: 3, one: 3}
    assert admin.ends([], stable=True) == {}


@needs(LISTS_GROUPS)
def test_missing_partitions_cost_the_others_nothing(broker: Broker) -> None:
    topic, [here] = talking.filled(broker)
    admin, beyond, nowhere = broker.group_admin(), TopicPartition(topic, 99), TopicPartition("nobody-made-this", 0)
    for told in (
        admin.starts([beyond, here, nowhere]),
        admin.ends([beyond, here, nowhere], stable=True),
        admin.first_since([beyond, here, nowhere], timestamp_ms=0),
        admin.transactions([beyond, here, nowhere]),
    ):
        assert talking.problem_code(told[beyond]) == talking.problem_code(told[nowhere]) == "missing"
        assert not isinstance(told[here], ports.Problem)
    assert "nobody-made-this" not in broker.admin().topics(), "asking for a topic made it"


@needs(LISTS_GROUPS)
def test_a_topic_that_is_deleted_between_two_questions_is_missing(broker: Broker) -> None:
    topic, [here] = talking.filled(broker)
    _, [there] = talking.filled(broker)
    admin = broker.group_admin()
    assert admin.layout()[here] == 1
    broker.admin().delete_topic(topic)
    told = admin.ends([here, there], stable=False)
    assert talking.problem_code(told[here]) == "missing"
    assert told[there] == 1


@needs(LISTS_GROUPS)
def test_a_topic_that_is_made_between_two_questions_is_found(broker: Broker) -> None:
    admin = broker.group_admin()
    admin.layout()
    _, [here] = talking.filled(broker)
    wait_until(lambda: admin.ends([here], stable=False) == {here: 1}, within_s=5, what="the new topic is found")


@needs(LISTS_GROUPS)
def test_the_first_record_since_a_time(broker: Broker) -> None:
    topic = broker.topic()
    producer = broker.producer()
    for at in (1_000, 2_000, 3_000):
        producer.produce(topic=topic, key=None, value=b"v", partition=0, timestamp_ms=at * 1_000_000)
    assert producer.close() == 0
    here = TopicPartition(topic, 0)
    admin = broker.group_admin()
    assert admin.first_since([here], timestamp_ms=1_500_000_000) == {here: 1}
    assert admin.first_since([here], timestamp_ms=2_000_000_000) == {here: 1}
    assert admin.first_since([here], timestamp_ms=-1) == {here: 0}, "a time before 1970 is no mark of Kafka's"
    assert admin.first_since([here], timestamp_ms=3_000_000_001) == {here: None}


@needs(LISTS_GROUPS)
def test_retention_is_told_per_topic(broker: Broker) -> None:
    topic, _ = talking.filled(broker)
    told = broker.group_admin().retention([topic, "nobody-made-this"])
    assert told[topic] == ports.Retention(ms=604_800_000, bytes=None, deletes=True, compacts=False)
    assert talking.problem_code(told["nobody-made-this"]) == "missing"
    assert broker.group_admin().retention([]) == {}


@needs(LISTS_GROUPS)
def test_it_tells_how_long_an_empty_groups_commits_are_kept(broker: Broker) -> None:
    assert broker.group_admin().offsets_kept_s() == 604_800.0


@needs(LISTS_GROUPS)
def test_requests_are_counted_per_broker(broker: Broker) -> None:
    admin = broker.group_admin()
    admin.groups()
    before = admin.requests()[1]
    admin.groups()
    assert admin.requests()[1] > before


def test_nobody_there_is_unavailable_never_an_empty_answer(broker: Broker) -> None:
    if broker.name == "in-process":
        return  # nobody there looks the same through every broker
    admin, here = broker.dead_group_admin(), TopicPartition("any", 0)
    listing = ports.GroupListing(name="any", state="stable", protocol="classic")
    modern = ports.GroupListing(name="any", state="stable", protocol="consumer")
    calls = [
        admin.groups,
        admin.layout,
        admin.offsets_kept_s,
        lambda: admin.describe([listing]),
        lambda: admin.describe([modern]),
        lambda: admin.commits(["any"]),
        lambda: admin.starts([here]),
        lambda: admin.ends([here], stable=True),
        lambda: admin.first_since([here], timestamp_ms=0),
        lambda: admin.retention(["any"]),
        lambda: admin.transactions([here]),
        lambda: admin.commit("any", {here: 1}),
        lambda: admin.forget("any", [here]),
    ]
    began = time.monotonic()
    for call in calls:
        with pytest.raises(ports.Unavailable):
            call()
    assert time.monotonic() - began < 5
    admin.close()
    admin.close()


def test_a_broker_that_knows_no_groups_says_so_at_once(in_process: brokers.OverClient) -> None:
    topic = in_process.topic()
    talking.write(in_process, topic, b"made by being written")
    here, admin = TopicPartition(topic, 0), in_process.group_admin()
    began = time.monotonic()
    for call in (
        admin.groups,
        admin.offsets_kept_s,
        lambda: admin.commits(["any"]),
        lambda: admin.describe([ports.GroupListing(name="any", state="stable", protocol="classic")]),
        lambda: admin.retention([topic]),
        lambda: admin.ends([here], stable=False),
        lambda: admin.transactions([here]),
        lambda: admin.commit("any", {here: 0}),
    ):
        with pytest.raises(ports.Unsupported):
            call()
    assert time.monotonic() - began < 3
