"""The three brokers under the contract, and what each of them cannot do."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import confluent_kafka
from confluent_kafka.admin import AdminClient

from reliability.kafka import confluent, group_admin, ports
from reliability.kafka.memory import MemoryBroker
from reliability.kernel.record import Record, TopicPartition
from tests.support import raw_kafka

# What a broker may lack. A test says what it needs, and is not made for a broker that lacks it.
MAKES_TOPICS = "makes topics"  # creation with a chosen partition count, deletion, ids
LISTS_GROUPS = "lists groups"
LARGE = "large records"  # 10 MB and more
EXPIRES = "expires records"
REFUSES_UNKNOWN = "refuses unknown topics"  # where topics are made on first use, none is unknown
QUICK_GROUPS = "quick groups"  # members come and go in well under a second
TRANSACTIONS = "transactions"

EVERYTHING = frozenset({MAKES_TOPICS, LISTS_GROUPS, LARGE, EXPIRES, REFUSES_UNKNOWN, QUICK_GROUPS, TRANSACTIONS})
CAPABILITIES: dict[str, frozenset[str]] = {
    "memory": EVERYTHING - {TRANSACTIONS},
    # librdkafka's in-process broker: no controller, no group listing, 5 MiB per partition, and each first join of a
    # group takes three seconds.
    "in-process": frozenset(),
    # Topics are made on first use, as in the embedded broker.
    "real": EVERYTHING - {REFUSES_UNKNOWN},
}

Test = TypeVar("Test", bound=Callable[..., Any])


def needs(*capabilities: str) -> Callable[[Test], Test]:
    """Make the test only for brokers that can do this."""

    def mark(test: Test) -> Test:
        test.needs = frozenset(capabilities)  # type: ignore[attr-defined]  # read where tests are made: conftest
        return test

    return mark


class Broker(Protocol):
    """Clients of one broker, and the little that tests do behind their backs."""

    name: str

    def producer(self, **settings: object) -> ports.Producer: ...
    def consumer(self, group: str, *, instance_id: str | None = None) -> ports.Consumer: ...
    def reader(self) -> ports.Reader: ...
    def admin(self) -> ports.Admin: ...
    def group_admin(self) -> ports.GroupAdmin: ...
    def dead_group_admin(self) -> ports.GroupAdmin: ...
    def dead_producer(self) -> ports.Producer: ...
    def dead_admin(self) -> ports.Admin: ...
    def topic(self, partitions: int = 1) -> str: ...
    def unreadable(self, topic: str, *, key: bytes | None, value: bytes | None) -> None: ...
    def expire(self, partition: TopicPartition, before_offset: int) -> None: ...


@dataclass
class InMemory:
    """The broker of unit tests."""

    name: str = "memory"
    broker: MemoryBroker = field(default_factory=MemoryBroker)

    def producer(self, **settings: object) -> ports.Producer:
        return self.broker.producer()

    def consumer(self, group: str, *, instance_id: str | None = None) -> ports.Consumer:
        return self.broker.consumer(group=group, client_id="contract", instance_id=instance_id)

    def reader(self) -> ports.Reader:
        return self.broker.reader()

    def admin(self) -> ports.Admin:
        return self.broker.admin()

    def group_admin(self) -> ports.GroupAdmin:
        return self.broker.group_admin()

    def dead_group_admin(self) -> ports.GroupAdmin:
        return self._dead().group_admin()

    def dead_producer(self) -> ports.Producer:
        return self._dead().producer()

    def dead_admin(self) -> ports.Admin:
        return self._dead().admin()

    def topic(self, partitions: int = 1) -> str:
        name = f"contract-{uuid.uuid4().hex[:12]}"
        self.broker.log.create({name: partitions})
        return name

    def unreadable(self, topic: str, *, key: bytes | None, value: bytes | None) -> None:
        offset = self.broker.log.end(TopicPartition(topic, 0)) or 0
        record = Record(topic=topic, partition=0, offset=offset, key=key, value=value, headers_unreadable=True)
        self.broker.log.put(record)

    def expire(self, partition: TopicPartition, before_offset: int) -> None:
        self.broker.log.expire(partition, before_offset)

    def _dead(self) -> MemoryBroker:
        dead = MemoryBroker()
        dead.go_away()
        return dead


@dataclass
class OverClient:
    """A broker reached through librdkafka."""

    name: str
    servers: str
    made: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._admin = confluent.Admin(self._profile, client_id="contract")
        self._groups = group_admin.GroupAdmin(self._profile, client_id="contract", answer_s=10.0)

    @property
    def _profile(self) -> dict[str, object]:
        return {"bootstrap.servers": self.servers}

    def producer(self, **settings: object) -> ports.Producer:
        return confluent.Producer(self._profile, client_id="contract", extra=settings)

    def consumer(self, group: str, *, instance_id: str | None = None) -> ports.Consumer:
        # New topics are looked for every second instead of five: the tests wait for it.
        quick = {"topic.metadata.refresh.interval.ms": 1_000}
        return confluent.Consumer(
            self._profile, client_id="contract", group=group, instance_id=instance_id, extra=quick
        )

    def reader(self) -> ports.Reader:
        return confluent.Reader(self._profile, client_id="contract")

    def admin(self) -> ports.Admin:
        return self._admin

    def group_admin(self) -> ports.GroupAdmin:
        return self._groups

    def dead_group_admin(self) -> ports.GroupAdmin:
        return group_admin.GroupAdmin({"bootstrap.servers": "127.0.0.1:9"}, client_id="dead", answer_s=1.0)

    def dead_producer(self) -> ports.Producer:
        return confluent.Producer({"bootstrap.servers": "127.0.0.1:9"}, client_id="dead")

    def dead_admin(self) -> ports.Admin:
        return confluent.Admin({"bootstrap.servers": "127.0.0.1:9"}, client_id="dead", answer_s=0.3)

    def topic(self, partitions: int = 1) -> str:
        name = f"c.contract-{uuid.uuid4().hex[:12]}"
        if MAKES_TOPICS in CAPABILITIES[self.name]:
            self.made.append(name)
            assert self._admin.create_topics({name: partitions}) == {name: None}
        return name

    def unreadable(self, topic: str, *, key: bytes | None, value: bytes | None) -> None:
        raw_kafka.produce(self.servers, topic=topic, key=key, value=value, headers=[(b"fine", b"1"), (b"\xff", b"2")])

    def expire(self, partition: TopicPartition, before_offset: int) -> None:
        client = AdminClient(self._profile)
        wanted = confluent_kafka.TopicPartition(partition.topic, partition.partition, before_offset)
        for future in client.delete_records([wanted]).values():
            future.result(timeout=10)

    def clean_up(self) -> None:
        self._groups.close()
        for topic in self.made:
            self._admin.delete_topic(topic)


@contextlib.contextmanager
def in_process() -> Iterator[OverClient]:
    """librdkafka's own broker, in this process as long as the producer that hosts it lives."""
    host = confluent_kafka.Producer({"test.mock.num.brokers": 1, "log_level": 0})
    address = next(iter(host.list_topics(timeout=10).brokers.values()))
    yield OverClient("in-process", f"{address.host}:{address.port}")
    del host
