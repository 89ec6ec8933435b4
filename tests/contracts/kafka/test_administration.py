"""The admin's part of the contract, and the list of what each broker lacks."""

from __future__ import annotations

import pytest

from reliability.kafka import ports
from reliability.kernel.record import TopicPartition
from tests.contracts.kafka import brokers, talking
from tests.contracts.kafka.brokers import EXPIRES, LISTS_GROUPS, MAKES_TOPICS, Broker, needs


def test_a_broker_without_a_controller_says_so_at_once(in_process: brokers.OverClient) -> None:
    topic = in_process.topic()
    talking.write(in_process, topic, b"made by being written")
    assert in_process.admin().topic_id(topic) is None
    with pytest.raises(ports.Unsupported):
        in_process.admin().create_topics({"any": 1})
    with pytest.raises(ports.Unsupported):
        in_process.admin().delete_topic(topic)
    with pytest.raises((ports.Unsupported, ports.Unavailable)):
        in_process.admin().groups()


@needs(MAKES_TOPICS)
def test_topics_come_and_go(broker: Broker) -> None:
    admin = broker.admin()
    topic = broker.topic(partitions=3)
    assert admin.partition_count(topic) == 3
    assert admin.topics()[topic] == 3
    assert admin.create_topics({topic: 5}) == {topic: None}, "it exists, which is all that was asked for"
    assert admin.partition_count(topic) == 3

    first_id = admin.topic_id(topic)
    assert first_id is not None
    assert admin.topic_id(topic) == first_id
    other = broker.topic()
    assert admin.topic_ids([topic, other, "nowhere"]) == {topic: first_id, other: admin.topic_id(other)}
    assert admin.topic_ids([]) == {}
    assert admin.delete_topic(topic) is None
    assert admin.delete_topic(topic) is None, "it is gone, which is all that was asked for"
    assert admin.topic_id(topic) is None
    assert admin.create_topics({topic: 1}) == {topic: None}
    assert admin.topic_id(topic) not in (None, first_id)
    assert admin.partition_count(topic) == 1


@needs(MAKES_TOPICS)
def test_a_topic_that_cannot_be_made_is_told_with_its_reason(broker: Broker) -> None:
    if broker.name == "memory":
        return  # it takes any name: nothing depends on its refusals
    name = "no/slashes"
    answer = broker.admin().create_topics({name: 1})
    error = answer[name]
    assert error is not None
    assert error.permanent


def test_end_offsets_count_what_was_written_and_leave_out_what_does_not_exist(broker: Broker) -> None:
    topic = broker.topic()
    talking.write(broker, topic, b"0", b"1", b"2")
    here, nowhere = TopicPartition(topic, 0), TopicPartition(topic, 999)
    assert broker.admin().end_offsets([here, nowhere]) == {here: 3}
    assert broker.admin().start_offsets([here]) == {here: 0}
    assert broker.admin().end_offsets([]) == {}


@needs(EXPIRES)
def test_start_offsets_follow_retention(broker: Broker) -> None:
    topic = broker.topic()
    talking.write(broker, topic, b"0", b"1", b"2")
    broker.expire(TopicPartition(topic, 0), 2)
    assert broker.admin().start_offsets([TopicPartition(topic, 0)]) == {TopicPartition(topic, 0): 2}


def test_a_group_that_never_committed_has_no_offset(broker: Broker) -> None:
    topic = broker.topic()
    talking.write(broker, topic, b"0")
    here = TopicPartition(topic, 0)
    assert broker.admin().committed(talking.group(), [here]) == {here: None}
    assert broker.admin().group_offsets(talking.group()) == {}


@pytest.mark.parametrize("name", ["", "  ", "\t", "\tgb", "gb ", "gb\x00", "\x00", "gb\ud800"])
def test_a_name_that_the_client_would_change_is_asked_of_nobody(broker: Broker, name: str) -> None:
    topic = broker.topic()
    talking.write(broker, topic, b"0")
    with pytest.raises(ports.Unavailable, match=r"offsets of group .*: the name (is|begins|has)"):
        broker.admin().committed(name, [TopicPartition(topic, 0)])
    with pytest.raises(ValueError, match=r"The consumer group's name .* (is|begins|has) .*\."):
        broker.consumer(name)


@needs(LISTS_GROUPS)
def test_a_group_is_listed_with_its_state_and_all_its_offsets(broker: Broker) -> None:
    topic, group = broker.topic(partitions=2), talking.group()
    talking.write(broker, topic, b"0", partition=0)
    talking.write(broker, topic, b"1", partition=1)
    consumer = broker.consumer(group)
    consumer.subscribe(topics=[topic])
    talking.poll_until(consumer, lambda records: len(records) == 2)
    consumer.commit({TopicPartition(topic, 0): 1, TopicPartition(topic, 1): 1}, wait=True)
    assert ports.GroupInfo(name=group, state="stable") in broker.admin().groups()
    consumer.close()
    assert ports.GroupInfo(name=group, state="empty") in broker.admin().groups()
    assert broker.admin().group_offsets(group) == {TopicPartition(topic, 0): 1, TopicPartition(topic, 1): 1}


def test_nobody_there_is_unavailable_never_an_empty_answer(broker: Broker) -> None:
    admin = broker.dead_admin()
    here = TopicPartition("any", 0)
    with pytest.raises(ports.Unavailable):
        admin.topics()
    with pytest.raises(ports.Unavailable):
        admin.topic_id("any")
    with pytest.raises(ports.Unavailable):
        admin.topic_ids(["any", "other"])
    with pytest.raises(ports.Unavailable):
        admin.end_offsets([here])
    with pytest.raises(ports.Unavailable):
        admin.committed("any", [here])
    with pytest.raises(ports.Unavailable):
        admin.groups()
    with pytest.raises(ports.Unavailable):
        admin.create_topics({"any": 1})
