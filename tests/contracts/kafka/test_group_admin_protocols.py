"""What only a real cluster has for the group admin: transactions, groups of the new protocol, batches, notes."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import confluent_kafka
import pytest

from reliability.kafka import ports
from reliability.kernel.record import TopicPartition
from tests.contracts.kafka import brokers, talking
from tests.support.waiting import wait_until


@pytest.fixture
def servers(real: brokers.OverClient) -> dict[str, str | int]:
    return {"bootstrap.servers": real.servers, "log_level": 0}


def writer(servers: dict[str, str | int], name: str) -> confluent_kafka.Producer:
    producer = confluent_kafka.Producer({**servers, "transactional.id": name, "linger.ms": 0})
    producer.init_transactions(20)
    return producer


def write(producer: confluent_kafka.Producer, place: TopicPartition, number: int) -> None:
    for _ in range(number):
        producer.produce(place.topic, b"v", partition=place.partition)
    assert producer.flush(20) == 0


def test_an_open_transaction_holds_the_stable_end_back_and_is_named(
    real: brokers.OverClient, servers: dict[str, str | int]
) -> None:
    topic, name = real.topic(partitions=2), f"tx-{uuid.uuid4().hex[:8]}"
    here, other = TopicPartition(topic, 0), TopicPartition(topic, 1)
    admin, producer = real.group_admin(), writer(servers, name)
    talking.write(real, topic, b"before")
    producer.begin_transaction()
    write(producer, here, 2)
    talking.write(real, topic, b"after")
    assert admin.ends([here], stable=False) == {here: 4}
    assert admin.ends([here], stable=True) == {here: 1}
    told = admin.transactions([here, other])
    assert told[other] == []
    open_here = told[here]
    assert isinstance(open_here, list)
    [transaction] = open_here
    assert (transaction.first_offset, transaction.transactional_id) == (1, name)
    assert transaction.producer_id >= 0
    assert transaction.since_ms is not None
    assert abs(transaction.since_ms / 1000 - time.time()) < 60

    producer.abort_transaction(20)
    after(lambda: admin.ends([here], stable=True) == {here: 5})  # two records, one after, and the mark
    assert admin.ends([here], stable=False) == {here: 5}
    assert admin.transactions([here]) == {here: []}


def test_transactions_are_told_oldest_first(real: brokers.OverClient, servers: dict[str, str | int]) -> None:
    topic, suffix = real.topic(), uuid.uuid4().hex[:8]
    here = TopicPartition(topic, 0)
    producers = [writer(servers, f"tx-{number}-{suffix}") for number in range(2)]
    for producer in reversed(producers):
        producer.begin_transaction()
        write(producer, here, 1)
    told = real.group_admin().transactions([here])[here]
    assert isinstance(told, list)
    assert [(each.first_offset, each.transactional_id) for each in told] == [
        (0, f"tx-1-{suffix}"),
        (1, f"tx-0-{suffix}"),
    ]
    for producer in producers:
        producer.abort_transaction(20)


def after(holds: Callable[[], bool]) -> None:
    wait_until(holds, within_s=10, what="the transaction's end is in the log", every_s=0.05)


@contextmanager
def modern(
    servers: dict[str, str | int], group: str, topic: str, **settings: str
) -> Iterator[confluent_kafka.Consumer]:
    """A member of a group of the new protocol, once it owns something."""
    consumer = confluent_kafka.Consumer({**servers, "group.id": group, "group.protocol": "consumer", **settings})
    consumer.subscribe([topic])
    until = time.monotonic() + talking.PATIENCE_S
    while not consumer.assignment():
        assert time.monotonic() < until, "no assignment"
        consumer.poll(0.05)
    try:
        yield consumer
    finally:
        consumer.close()


def test_a_group_of_the_new_protocol_tells_what_its_members_own_and_shall_own(
    real: brokers.OverClient, servers: dict[str, str | int]
) -> None:
    topic, group, admin = real.topic(partitions=3), talking.group(), real.group_admin()
    places = frozenset(TopicPartition(topic, number) for number in range(3))
    with modern(servers, group, topic, **{"client.id": "modern ü", "group.instance.id": "till-8"}) as consumer:
        [listing] = [each for each in admin.groups() if each.name == group]
        assert (listing.protocol, listing.type) == ("consumer", "consumer")
        assert listing.state in ("stable", "reconciling", "assigning")
        wait_until(lambda: owned(admin, listing) == places, within_s=10, what="the coordinator knows what is owned")
        described = admin.describe([listing])[group]
        assert isinstance(described, ports.GroupDescription)
        assert (described.protocol, described.assignor, described.coordinator) == ("consumer", "uniform", 1)
        [member] = described.members
        assert (member.client_id, member.host, member.instance_id) == ("modern ü", "127.0.0.1", "till-8")
        assert member.target == places
        here = TopicPartition(topic, 0)
        refused = admin.commit(group, {here: 0})[here]
        assert isinstance(refused, ports.Problem)
        assert refused.code == "refused"
        consumer.commit(offsets=[confluent_kafka.TopicPartition(topic, 0, 0)], asynchronous=False)
        assert admin.commits([group]) == {group: {here: 0}}


def owned(admin: ports.GroupAdmin, listing: ports.GroupListing) -> frozenset[TopicPartition]:
    told = admin.describe([listing])[listing.name]
    assert isinstance(told, ports.GroupDescription)
    return frozenset().union(*(member.owns for member in told.members))


def test_a_partition_that_changes_hands_is_seen_with_the_new_owner_as_its_target(
    real: brokers.OverClient, servers: dict[str, str | int]
) -> None:
    topic, group, admin = real.topic(partitions=2), talking.group(), real.group_admin()
    listing = ports.GroupListing(name=group, state="stable", protocol="consumer")
    with modern(servers, group, topic) as first:
        second = confluent_kafka.Consumer({**servers, "group.id": group, "group.protocol": "consumer"})
        second.subscribe([topic])
        second.poll(0.1)

        def changing() -> bool:
            told = admin.describe([listing])[group]
            assert isinstance(told, ports.GroupDescription)
            return len(told.members) == 2 and any(member.owns != member.target for member in told.members)

        # The first member is not polled, so it gives nothing back: what shall be stays apart from what is.
        wait_until(changing, within_s=10, what="a target that is not yet owned", every_s=0.05)
        until = time.monotonic() + 10
        while not second.assignment():
            assert time.monotonic() < until
            first.poll(0.05)
            second.poll(0.05)
        second.close()


def test_classic_and_new_groups_are_described_in_one_go(
    real: brokers.OverClient, servers: dict[str, str | int]
) -> None:
    topic, old, new, admin = real.topic(), talking.group(), talking.group(), real.group_admin()
    talking.write(real, topic, b"v")
    with talking.member(real, old, topic, records=1), modern(servers, new, topic):
        described = admin.describe([each for each in admin.groups() if each.name in (old, new)])
    assert {name: each.protocol for name, each in described.items() if isinstance(each, ports.GroupDescription)} == {
        old: "classic",
        new: "consumer",
    }


def test_many_groups_cost_a_handful_of_requests(real: brokers.OverClient) -> None:
    topic, suffix, admin = real.topic(), uuid.uuid4().hex[:8], real.group_admin()
    here = TopicPartition(topic, 0)
    names = [f"c.batch-{number}-{suffix}" for number in range(40)]
    for name in names:
        assert admin.commit(name, {here: 0}) == {here: None}
    before = admin.requests()[1]
    assert admin.commits(names) == {name: {here: 0} for name in names}
    described = admin.describe([ports.GroupListing(name=name, state="empty", protocol="classic") for name in names])
    assert all(isinstance(described[name], ports.GroupDescription) for name in names)
    assert admin.requests()[1] - before == 2
    for name in names:
        admin.forget(name, [here])


def _note(found: confluent_kafka.TopicPartition) -> bytes:
    """What this client says of a note: it copies up to the next NUL, which may come after the note's end."""
    try:
        return str(found.metadata).encode()
    except UnicodeDecodeError as error:
        return error.object


def test_the_note_is_kept_with_the_commit(real: brokers.OverClient, servers: dict[str, str | int]) -> None:
    topic, group = real.topic(), talking.group()
    here = TopicPartition(topic, 0)
    assert real.group_admin().commit(group, {here: 0}, note="reset 17, ü") == {here: None}
    client = confluent_kafka.Consumer({**servers, "group.id": group})
    [found] = client.committed([confluent_kafka.TopicPartition(topic, 0)], timeout=10)
    client.close()
    assert _note(found).startswith("reset 17, ü".encode())
