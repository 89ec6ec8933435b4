"""What tests may play on the in-memory group admin."""

from __future__ import annotations

import time

import pytest

from reliability.kafka import ports
from reliability.kafka.memory import MemoryBroker
from reliability.kernel.record import TopicPartition

HERE, THERE = TopicPartition("t", 0), TopicPartition("t", 1)
FORBIDDEN = ports.Problem(code="forbidden", message="not allowed")


@pytest.fixture
def broker():
    broker = MemoryBroker()
    broker.log.create({"t": 2})
    return broker


def group(name, *, state="stable", protocol="consumer", members=()):
    return ports.GroupDescription(
        name=name, state=state, protocol=protocol, assignor="uniform", coordinator=1, members=tuple(members)
    )


def a_member(*owns, target=None):
    return ports.GroupMember(
        id="m", client_id="c", host="h", instance_id=None, owns=frozenset(owns), target=target and frozenset(target)
    )


def test_groups_of_any_state_and_protocol(broker):
    reconciling = group("a", state="reconciling", members=[a_member(HERE, target=[HERE, THERE])])
    broker.play.groups |= {"a": reconciling, "s": group("s", protocol="share")}
    admin = broker.group_admin()
    listed = admin.groups()
    assert [(each.name, each.state, each.protocol, each.type) for each in listed] == [
        ("a", "reconciling", "consumer", "consumer"),
        ("s", "stable", "share", "share"),
    ]
    told = admin.describe(listed)
    assert told["a"] == reconciling
    assert isinstance(told["s"], ports.Problem)
    assert told["s"].code == "unsupported"


def test_a_played_groups_members_make_orders_refused(broker):
    broker.play.groups["a"] = group("a", members=[a_member(HERE)])
    admin = broker.group_admin()
    refused = admin.commit("a", {HERE: 1})[HERE]
    assert refused is not None
    assert refused.code == "refused"
    broker.play.groups["a"] = group("a", state="empty")
    assert admin.commit("a", {HERE: 1}, note="n") == {HERE: None}
    assert admin.commits(["a"]) == {"a": {HERE: 1}}
    assert broker.group("a").notes == {HERE: "n"}


def test_problems_stand_where_the_answer_would(broker):
    admin, other = broker.group_admin(), ports.GroupListing(name="b", state="empty", protocol="classic")
    broker.play.groups |= {"a": group("a"), "b": group("b")}
    broker.play.group_problems["a"] = FORBIDDEN
    broker.play.partition_problems[HERE] = FORBIDDEN
    assert admin.describe([other, *admin.groups()])["a"] == FORBIDDEN
    assert admin.commits(["a", "b"]) == {"a": FORBIDDEN, "b": {}}
    assert admin.commit("a", {THERE: 1}) == {THERE: FORBIDDEN}
    assert admin.commit("b", {HERE: 1, THERE: 1}) == {HERE: FORBIDDEN, THERE: None}
    assert admin.ends([HERE, THERE], stable=True) == {HERE: FORBIDDEN, THERE: 0}
    broker.play.topic_problems["t"] = FORBIDDEN
    assert admin.starts([HERE, THERE]) == {HERE: FORBIDDEN, THERE: FORBIDDEN}
    assert admin.retention(["t"]) == {"t": FORBIDDEN}


def test_offsets_without_records(broker):
    broker.play.starts[HERE] = 10
    broker.play.ends[HERE] = 100
    admin = broker.group_admin()
    assert (admin.starts([HERE]), admin.ends([HERE], stable=False)) == ({HERE: 10}, {HERE: 100})
    assert admin.ends([HERE], stable=True) == {HERE: 100}
    held = ports.OpenTransaction(producer_id=1, first_offset=40, transactional_id="tx", since_ms=1)
    broker.play.transactions[HERE] = [held]
    assert admin.ends([HERE], stable=True) == {HERE: 40}
    assert admin.transactions([HERE, THERE]) == {HERE: [held], THERE: []}
    broker.play.stable_ends[HERE] = 41
    assert admin.ends([HERE], stable=True) == {HERE: 41}


def test_a_partition_without_a_leader(broker):
    broker.play.leaders[HERE] = -1
    admin = broker.group_admin()
    assert admin.layout() == {HERE: -1, THERE: 1}
    told = admin.ends([HERE, THERE], stable=False)
    assert isinstance(told[HERE], ports.Problem)
    assert (told[HERE].code, told[THERE]) == ("no_leader", 0)


def test_what_a_cluster_does_not_say_or_cannot(broker):
    broker.play.offsets_kept_s = None
    broker.play.unsupported.add("groups")
    admin = broker.group_admin()
    assert admin.offsets_kept_s() is None
    with pytest.raises(ports.Unsupported):
        admin.groups()
    broker.go_away()
    with pytest.raises(ports.Unavailable):
        admin.layout()
    broker.come_back()
    assert admin.layout()


def test_a_group_that_was_only_asked_for_is_none(broker):
    broker.group("asked")
    broker.admin().committed("asked", [HERE])
    assert broker.group_admin().groups() == []


def test_fifty_thousand_partitions_are_cheap(broker):
    names = [f"g{number}" for number in range(1_000)]
    broker.log.create({f"t{number}": 50 for number in range(1_000)})
    for number, name in enumerate(names):
        places = [TopicPartition(f"t{number}", at) for at in range(50)]
        broker.play.groups[name] = group(name, members=[a_member(*places)])
        broker.play.ends |= dict.fromkeys(places, 1_000)
        broker.group(name).committed |= dict.fromkeys(places, 900)
    admin = broker.group_admin()
    began = time.process_time()
    listed = admin.groups()
    described, commits, layout = admin.describe(listed), admin.commits(names), admin.layout()
    starts, ends, stable = admin.starts(layout), admin.ends(layout, stable=False), admin.ends(layout, stable=True)
    assert time.process_time() - began < 5
    assert (len(listed), len(described), len(commits)) == (1_000, 1_000, 1_000)
    assert len(layout) == len(starts) == len(ends) == len(stable) == 50_002
