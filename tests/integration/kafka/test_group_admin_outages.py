"""The group admin of a real broker that stops, is killed and comes back, and that forbids."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterator

import confluent_kafka
import pytest
from confluent_kafka.admin import ResourceType

from reliability.kafka import confluent, group_admin, ports
from reliability.kernel.record import TopicPartition
from tests.support import own_broker
from tests.support.own_broker import OwnBroker
from tests.support.waiting import wait_until

ANSWER_S = 4.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBroker]:
    with own_broker.running(tmp_path_factory.mktemp("own")) as running:
        yield running


@pytest.fixture
def admin(broker: OwnBroker) -> Iterator[group_admin.GroupAdmin]:
    made = group_admin.GroupAdmin(broker.profile, client_id="outage", answer_s=ANSWER_S)
    yield made
    made.close()


def topic_of(broker: OwnBroker) -> TopicPartition:
    """A new topic's only partition."""
    name = f"outage-{uuid.uuid4().hex[:8]}"
    assert confluent.Admin(broker.profile, client_id="outage").create_topics({name: 1}) == {name: None}
    return TopicPartition(name, 0)


def code(told: object) -> str:
    assert isinstance(told, ports.Problem), told
    return told.code


def test_what_it_may_not_see_is_forbidden_and_costs_the_others_nothing(
    broker: OwnBroker, admin: group_admin.GroupAdmin
) -> None:
    seen, hidden = topic_of(broker), topic_of(broker)
    admin.commit("seen", {seen: 0, hidden: 0})
    admin.commit("hidden", {seen: 0})
    broker.forbid(ResourceType.TOPIC, hidden.topic)
    broker.forbid(ResourceType.GROUP, "hidden")
    wait_until(lambda: hidden not in admin.layout(), within_s=10, what="the rule holds")
    for told in (admin.starts([seen, hidden]), admin.ends([seen, hidden], stable=True)):
        assert (told[seen], code(told[hidden])) == (0, "forbidden")
    assert code(admin.transactions([seen, hidden])[hidden]) == "forbidden"
    assert code(admin.retention([seen.topic, hidden.topic])[hidden.topic]) == "forbidden"
    commits = admin.commits(["seen", "hidden"])
    assert (commits["seen"], code(commits["hidden"])) == ({seen: 0}, "forbidden")
    described = admin.describe([group for group in admin.groups() if group.name in ("seen", "hidden")])
    assert isinstance(described["seen"], ports.GroupDescription)
    assert code(described["hidden"]) == "forbidden"
    assert code(admin.commit("hidden", {seen: 1})[seen]) == "forbidden"
    outcome = admin.commit("seen", {seen: 1, hidden: 1})
    assert (outcome[seen], code(outcome[hidden])) == (None, "forbidden")
    assert code(admin.forget("hidden", [seen])[seen]) == "forbidden"


def test_the_same_client_works_again_after_a_restart(broker: OwnBroker, admin: group_admin.GroupAdmin) -> None:
    here = topic_of(broker)
    assert admin.commit("survivor", {here: 0}) == {here: None}
    for end in (broker.stop, broker.kill):
        end()
        for call in (admin.groups, lambda: admin.ends([here], stable=False), lambda: admin.commits(["survivor"])):
            began = time.monotonic()
            with pytest.raises(ports.Unavailable):
                call()
            assert time.monotonic() - began < ANSWER_S + 1
        broker.start()
        answers_again(lambda: admin.ends([here], stable=False) == {here: 0})
        answers_again(lambda: admin.commits(["survivor"]) == {"survivor": {here: 0}})
        assert "survivor" in [group.name for group in admin.groups()]


def answers_again(holds: Callable[[], bool]) -> None:
    def asked() -> bool:
        try:
            return holds()
        except ports.Unavailable:
            return False

    wait_until(asked, within_s=30, what="the client finds the broker again")


def test_a_broker_killed_in_the_middle_of_questions_harms_nobody(
    broker: OwnBroker, admin: group_admin.GroupAdmin
) -> None:
    here = topic_of(broker)
    groups = [f"modern-{number}" for number in range(3)]
    members = [joined(broker, name, here.topic) for name in groups]
    asked = [ports.GroupListing(name=name, state="stable", protocol="consumer") for name in groups]
    outcomes: set[str] = set()
    for _ in range(3):
        killer = threading.Timer(0.3, broker.kill)
        killer.start()
        while killer.is_alive():
            outcomes |= questions(admin, asked, here)
        outcomes |= questions(admin, asked, here)
        broker.start()
    for member in members:
        member.close()
    assert {"answered", "unavailable"} <= outcomes <= {"answered", "unavailable", "missing"}


def questions(admin: group_admin.GroupAdmin, groups: list[ports.GroupListing], here: TopicPartition) -> set[str]:
    """Ask of everything once; what kinds of answer came."""
    calls: list[Callable[[], dict[object, object]]] = [
        lambda: dict(admin.describe(groups)),
        lambda: dict(admin.commits([group.name for group in groups])),
        lambda: dict(admin.ends([here], stable=True)),
    ]
    outcomes = set()
    for call in calls:
        try:
            told = call()
        except ports.Unavailable:
            outcomes.add("unavailable")
        else:
            outcomes |= {each.code if isinstance(each, ports.Problem) else "answered" for each in told.values()}
    return outcomes


def joined(broker: OwnBroker, group: str, topic: str) -> confluent_kafka.Consumer:
    """A member, of the new protocol, that owns something."""
    consumer = confluent_kafka.Consumer(
        {**broker.profile, "group.id": group, "group.protocol": "consumer", "log_level": 0}
    )
    consumer.subscribe([topic])
    until = time.monotonic() + 20
    while not consumer.assignment():
        assert time.monotonic() < until, "no assignment"
        consumer.poll(0.1)
    return consumer
