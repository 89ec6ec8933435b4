"""The consumer's part of the contract."""

from __future__ import annotations

import time

import pytest

from reliability.kafka import ports
from reliability.kernel.record import Record, TopicPartition
from tests.contracts.kafka import talking
from tests.contracts.kafka.brokers import MAKES_TOPICS, QUICK_GROUPS, Broker, needs


def test_a_new_group_reads_from_the_beginning_and_its_commit_is_kept(broker: Broker) -> None:
    topic, group = broker.topic(), talking.group()
    talking.write(broker, topic, b"0", b"1", b"2", b"3")
    here = TopicPartition(topic, 0)
    consumer = broker.consumer(group)
    consumer.subscribe(topics=[topic])
    records = talking.poll_until(consumer, lambda records: len(records) >= 4)
    assert [(record.topic_partition, record.offset, record.value) for record in records] == [
        (here, offset, b"%d" % offset) for offset in range(4)
    ]
    assert here in consumer.assignment()
    consumer.commit({here: 3}, wait=True)
    assert broker.admin().committed(group, [here]) == {here: 3}
    consumer.close()
    consumer.close()


@needs(QUICK_GROUPS)
def test_the_next_member_goes_on_from_the_commit(broker: Broker) -> None:
    topic, group = broker.topic(), talking.group()
    talking.write(broker, topic, b"0", b"1", b"2")
    first = broker.consumer(group)
    first.subscribe(topics=[topic])
    talking.poll_until(first, lambda records: len(records) == 3)
    first.commit({TopicPartition(topic, 0): 2}, wait=False)
    first.close()
    second = broker.consumer(group)
    second.subscribe(topics=[topic])
    assert talking.values(talking.poll_until(second, bool)) == [b"2"]
    second.close()


def test_pausing_seeking_and_an_unreadable_header_in_one_life(broker: Broker) -> None:
    topic = broker.topic()
    talking.write(broker, topic, b"0", b"1", b"2")
    here = TopicPartition(topic, 0)
    consumer = broker.consumer(talking.group())
    consumer.subscribe(topics=[topic])
    talking.poll_until(consumer, lambda records: len(records) == 3)

    consumer.pause([here, TopicPartition(topic, 77)])
    talking.write(broker, topic, b"3", b"4")
    assert consumer.poll(max_records=10, timeout_s=0.4) == []
    consumer.resume([here])
    assert talking.values(talking.poll_until(consumer, lambda records: len(records) == 2)) == [b"3", b"4"]

    consumer.seek(here, 1)
    again = talking.poll_until(consumer, lambda records: len(records) >= 4)
    assert talking.values(again) == [b"1", b"2", b"3", b"4"]

    broker.unreadable(topic, key=None, value=b"odd")
    talking.write(broker, topic, b"6")
    odd, after = talking.poll_until(consumer, lambda records: len(records) == 2)
    assert (odd.value, odd.headers_unreadable, after.value) == (b"odd", True, b"6")
    consumer.close()


def test_a_poll_returns_no_more_than_asked_for_and_loses_nothing(broker: Broker) -> None:
    topic = broker.topic()
    talking.write(broker, topic, *[b"%d" % number for number in range(25)])
    consumer = broker.consumer(talking.group())
    consumer.subscribe(topics=[topic])
    records: list[Record] = []
    until = time.monotonic() + talking.PATIENCE_S
    while len(records) < 25:
        assert time.monotonic() < until
        some = consumer.poll(max_records=10, timeout_s=0.1)
        assert len(some) <= 10
        records += some
    assert talking.values(records) == [b"%d" % number for number in range(25)]
    consumer.close()


def test_a_topic_that_is_not_there_is_an_error_row_and_the_others_go_on(broker: Broker) -> None:
    topic = broker.topic()
    talking.write(broker, topic, b"0")
    consumer = broker.consumer(talking.group())
    consumer.subscribe(topics=[topic, "c.nobody-made-this"])
    assert talking.values(talking.poll_until(consumer, bool)) == [b"0"]
    consumer.close()


@needs(QUICK_GROUPS)
def test_a_pattern_finds_topics_that_come_later_and_matches_whole_names(broker: Broker) -> None:
    first, later, longer = broker.topic(), broker.topic(), broker.topic()
    consumer = broker.consumer(talking.group())
    consumer.subscribe(pattern=f"(^{first}$)|({later}[.]dl[qt])|(ontract.*{longer[-5:]})")
    talking.write(broker, first, b"first")
    talking.write(broker, longer, b"not of the pattern's whole")
    assert talking.values(talking.poll_until(consumer, bool)) == [b"first"]
    broker.admin().create_topics({f"{later}.dlq": 1})
    talking.write(broker, f"{later}.dlq", b"later")
    assert talking.values(talking.poll_until(consumer, bool)) == [b"later"]
    consumer.close()
    broker.admin().delete_topic(f"{later}.dlq")


@needs(QUICK_GROUPS, MAKES_TOPICS)
def test_a_second_member_takes_its_share_and_the_first_keeps_the_rest(broker: Broker) -> None:
    topic, group = broker.topic(partitions=4), talking.group()
    told: list[tuple[str, ports.Partitions]] = []
    first, second = broker.consumer(group), broker.consumer(group)

    def give_back(partitions: ports.Partitions) -> None:
        told.append(("revoked", partitions))
        first.commit(dict.fromkeys(partitions, 1), wait=True)

    first.subscribe(topics=[topic], on_assign=lambda p: told.append(("assigned", p)), on_revoke=give_back)
    everything = frozenset(TopicPartition(topic, number) for number in range(4))
    talking.poll_until(first, lambda _: first.assignment() == everything)
    for number in range(4):
        talking.write(broker, topic, b"%d" % number, partition=number)
    talking.poll_until(first, lambda records: len(records) == 4)

    second.subscribe(topics=[topic])
    talking.poll_until(first, lambda _: len(second.assignment()) == 2, second)
    assert first.assignment() | second.assignment() == everything
    assert told == [("assigned", everything), ("revoked", second.assignment())], "only what changes is told"
    assert broker.admin().committed(group, everything) == {
        partition: 1 if partition in second.assignment() else None for partition in everything
    }

    moved = first.assignment()
    # Until it has heard how the rebalance ended, the client that leaves is no member by the time it hands over.
    talking.poll_until(first, lambda _: talking.accepts(first, dict.fromkeys(moved, 1)), second)
    first.close()
    talking.poll_until(second, lambda _: second.assignment() == everything)
    assert told[-1] == ("revoked", moved), "leaving tells what was owned"
    second.close()


@needs(QUICK_GROUPS, MAKES_TOPICS)
def test_a_topic_deleted_under_the_consumer_is_an_error_and_a_recreated_one_is_read_anew(broker: Broker) -> None:
    doomed, other = broker.topic(), broker.topic()
    talking.write(broker, doomed, b"old 0", b"old 1")
    consumer = broker.consumer(talking.group())
    consumer.subscribe(topics=[doomed, other])
    talking.poll_until(consumer, lambda records: len(records) == 2)
    consumer.commit({TopicPartition(doomed, 0): 2}, wait=True)

    errors: list[ports.PartitionError] = []

    def heard(_: object) -> bool:
        errors.extend(consumer.errors())
        return any(error.topic == doomed and error.kind == "fetch" for error in errors)

    broker.admin().delete_topic(doomed)
    talking.poll_until(consumer, heard)
    talking.write(broker, other, b"goes on")
    assert talking.values(talking.poll_until(consumer, bool)) == [b"goes on"]

    broker.admin().create_topics({doomed: 1})
    talking.write(broker, doomed, b"new 0", b"new 1", b"new 2")
    records = talking.poll_until(consumer, lambda records: len(records) >= 3)
    assert [(record.offset, record.value) for record in records] == [(0, b"new 0"), (1, b"new 1"), (2, b"new 2")]
    consumer.close()


@needs(QUICK_GROUPS, MAKES_TOPICS)
def test_a_commit_that_is_not_accepted_is_told(broker: Broker) -> None:
    topic = broker.topic()
    consumer = broker.consumer(talking.group())
    consumer.subscribe(topics=[topic])
    talking.poll_until(consumer, lambda _: bool(consumer.assignment()))
    nowhere = {TopicPartition(f"{topic}-not", 0): 5}
    with pytest.raises(ports.Unavailable):
        consumer.commit(nowhere, wait=True)
    consumer.commit(nowhere, wait=False)
    errors: list[ports.PartitionError] = []

    def heard(_: object) -> bool:
        errors.extend(consumer.errors())
        return bool(errors)

    talking.poll_until(consumer, heard)
    assert [(error.kind, error.topic) for error in errors] == [("commit", f"{topic}-not")]
    consumer.close()
