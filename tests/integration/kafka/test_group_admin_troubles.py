"""The group admin of a cluster that is partly ill: what is ill costs its own figures and nothing else."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from kafka.protocol.consumer import (
    ListOffsetsRequest,
    ListOffsetsResponse,
    OffsetCommitRequest,
    OffsetCommitResponse,
    OffsetFetchResponse,
)
from kafka.protocol.metadata import FindCoordinatorRequest, FindCoordinatorResponse, MetadataRequest

from reliability.kafka import group_admin, ports
from reliability.kernel.record import TopicPartition
from tests.support.scripted_broker import HANG_UP, ScriptedBroker, metadata

ANSWER_S = 1.0
NOT_LEADER, NOT_COORDINATOR, LOADING = 6, 16, 14


def admin_of(*ports_: int, **more: object) -> group_admin.GroupAdmin:
    servers = ",".join(f"127.0.0.1:{port}" for port in ports_)
    return group_admin.GroupAdmin({"bootstrap.servers": servers, **more}, client_id="ill", answer_s=ANSWER_S)


def code(told: object) -> str:
    assert isinstance(told, ports.Problem), told
    return told.code


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield listener.getsockname()[1]


@pytest.mark.parametrize("protocol", ["plaintext", "ssl", "sasl_plaintext"])
def test_a_server_that_never_answers_is_unavailable_in_time(silent: int, protocol: str) -> None:
    login = {"security.protocol": protocol, "sasl.mechanism": "PLAIN", "sasl.username": "u", "sasl.password": "p"}
    admin = admin_of(silent, **login)
    here = TopicPartition("t", 0)
    for call in (admin.groups, admin.layout, lambda: admin.ends([here], stable=True), lambda: admin.commits(["g"])):
        began = time.monotonic()
        with pytest.raises(ports.Unavailable):
            call()
        assert time.monotonic() - began < ANSWER_S + 1
    admin.close()


def test_one_server_that_never_answers_does_not_matter_beside_one_that_does(silent: int) -> None:
    with ScriptedBroker(lambda asked: metadata({1: broker.port}, leaders={"t": [1]}, asked=asked)) as broker:
        admin = admin_of(silent, broker.port)
        began = time.monotonic()
        assert admin.layout() == {TopicPartition("t", 0): 1}
        assert time.monotonic() - began < ANSWER_S / 2
        admin.close()


class Two:
    """Two brokers; partition n of topic t is led by broker n + 1, and partition 2 by nobody."""

    def __init__(self, stack: ExitStack) -> None:
        self.ends = {1: 100, 2: 200}
        self.silent: set[int] = set()
        self.errors: dict[int, list[int]] = {1: [], 2: []}
        self.brokers = {node: stack.enter_context(ScriptedBroker(self._reply(node))) for node in (1, 2)}
        self.leaders = [1, 2, -1]
        self.coordinator = 1

    @property
    def ports(self) -> dict[int, int]:
        return {node: broker.port for node, broker in self.brokers.items()}

    def _reply(self, node: int) -> Any:
        def reply(asked: Any) -> Any:
            if isinstance(asked, MetadataRequest):
                return metadata(self.ports, leaders={"t": self.leaders}, asked=asked)
            if node in self.silent:
                return None
            if isinstance(asked, FindCoordinatorRequest):
                return self._coordinators(asked)
            if isinstance(asked, ListOffsetsRequest):
                return self._offsets(node, asked)
            if isinstance(asked, OffsetCommitRequest):
                return self._committed(node, asked)
            return self._commits(node, asked)

        return reply

    def _committed(self, node: int, asked: OffsetCommitRequest) -> object:
        if not self.errors[node]:
            return HANG_UP  # it may have done it
        topic = OffsetCommitResponse.OffsetCommitResponseTopic
        place = topic.OffsetCommitResponsePartition
        error = self.errors[node].pop()
        return OffsetCommitResponse(
            topics=[
                topic(
                    name=each.name,
                    partitions=[place(partition_index=at.partition_index, error_code=error) for at in each.partitions],
                )
                for each in asked.topics
            ]
        )

    def _offsets(self, node: int, asked: ListOffsetsRequest) -> ListOffsetsResponse:
        error = self.errors[node].pop() if self.errors[node] else 0
        topic = ListOffsetsResponse.ListOffsetsTopicResponse
        place = topic.ListOffsetsPartitionResponse
        return ListOffsetsResponse(
            topics=[
                topic(
                    name=each.name,
                    partitions=[
                        place(
                            partition_index=at.partition_index, error_code=error, offset=self.ends[node], timestamp=-1
                        )
                        for at in each.partitions
                    ],
                )
                for each in asked.topics
            ]
        )

    def _coordinators(self, asked: FindCoordinatorRequest) -> FindCoordinatorResponse:
        port = self.ports[self.coordinator]
        return FindCoordinatorResponse(
            coordinators=[
                FindCoordinatorResponse.Coordinator(
                    key=key, node_id=self.coordinator, host="127.0.0.1", port=port, error_code=0, error_message=None
                )
                for key in asked.coordinator_keys
            ]
        )

    def _commits(self, node: int, asked: Any) -> OffsetFetchResponse:
        error = NOT_COORDINATOR if node != self.coordinator else self.errors[node].pop() if self.errors[node] else 0
        group = OffsetFetchResponse.OffsetFetchResponseGroup
        return OffsetFetchResponse(
            groups=[group(group_id=each.group_id, topics=[], error_code=error) for each in asked.groups]
        )


@pytest.fixture
def two() -> Iterator[Two]:
    with ExitStack() as stack:
        yield Two(stack)


@pytest.fixture
def admin(two: Two) -> Iterator[group_admin.GroupAdmin]:
    made = admin_of(*two.ports.values())
    yield made
    made.close()


ZERO, ONE, NONE = (TopicPartition("t", number) for number in range(3))


def test_a_partition_without_a_leader_costs_the_others_nothing(two: Two, admin: group_admin.GroupAdmin) -> None:
    assert admin.layout() == {ZERO: 1, ONE: 2, NONE: -1}
    told = admin.ends([ZERO, ONE, NONE], stable=False)
    assert (told[ZERO], told[ONE], code(told[NONE])) == (100, 200, "no_leader")


def test_a_broker_that_falls_silent_costs_the_others_nothing(two: Two, admin: group_admin.GroupAdmin) -> None:
    assert admin.ends([ZERO, ONE], stable=False) == {ZERO: 100, ONE: 200}
    two.silent.add(2)
    began = time.monotonic()
    told = admin.ends([ZERO, ONE], stable=False)
    assert time.monotonic() - began < ANSWER_S + 1
    assert (told[ZERO], code(told[ONE])) == (100, "unavailable")
    two.silent.clear()
    assert admin.ends([ZERO, ONE], stable=False) == {ZERO: 100, ONE: 200}, "it is asked again when it can speak"


def test_a_partition_whose_leader_moved_is_found_again(two: Two, admin: group_admin.GroupAdmin) -> None:
    admin.layout()
    two.errors[1] = [NOT_LEADER]
    assert admin.ends([ZERO], stable=False) == {ZERO: 100}
    two.errors[1] = [NOT_LEADER] * 5
    assert code(admin.ends([ZERO], stable=False)[ZERO]) == "unavailable"


def test_a_group_whose_coordinator_moved_is_found_again(two: Two, admin: group_admin.GroupAdmin) -> None:
    assert admin.commits(["g", "h"]) == {"g": {}, "h": {}}
    two.coordinator = 2
    assert admin.commits(["g", "h"]) == {"g": {}, "h": {}}
    assert admin.commits(["g"]) == {"g": {}}
    found = [
        asked for asked in (*two.brokers[1].asked, *two.brokers[2].asked) if isinstance(asked, FindCoordinatorRequest)
    ]
    assert [sorted(asked.coordinator_keys) for asked in found] == [["g", "h"]] * 2, "once, and once after the move"


def test_a_coordinator_that_is_still_loading_costs_its_groups_their_commits(
    two: Two, admin: group_admin.GroupAdmin
) -> None:
    two.errors[1] = [LOADING] * 9
    assert code(admin.commits(["g"])["g"]) == "unavailable"
    two.errors[1] = []
    assert admin.commits(["g"]) == {"g": {}}


def test_an_order_is_repeated_only_when_it_was_turned_away(two: Two, admin: group_admin.GroupAdmin) -> None:
    two.errors[1] = [0, LOADING, LOADING]
    assert admin.commit("g", {ZERO: 1}) == {ZERO: None}
    assert orders(two) == 3
    assert code(admin.commit("g", {ZERO: 2})[ZERO]) == "unavailable"
    assert orders(two) == 4, "an order that may have been carried out was given again"


def orders(two: Two) -> int:
    return sum(isinstance(asked, OffsetCommitRequest) for asked in two.brokers[1].asked)


def test_partitions_are_asked_for_in_pieces_by_leader(two: Two) -> None:
    servers = ",".join(f"127.0.0.1:{port}" for port in two.ports.values())
    admin = group_admin.GroupAdmin({"bootstrap.servers": servers}, client_id="well", answer_s=60.0)
    two.leaders = [1] * 1_200 + [2] * 300
    told = admin.ends([TopicPartition("t", number) for number in range(1_500)], stable=False)
    assert sorted(told.values()) == [100] * 1_200 + [200] * 300  # type: ignore[type-var]  # numbers, or it fails
    pieces = {
        node: [len(asked.topics[0].partitions) for asked in broker.asked if isinstance(asked, ListOffsetsRequest)]
        for node, broker in two.brokers.items()
    }
    assert pieces == {1: [500, 500, 200], 2: [300]}
    assert admin.requests()[1] >= 3
    admin.close()
