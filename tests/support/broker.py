"""A scenario's view of Kafka: what it writes there, and all that is there afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import confluent_kafka

from reliability.kafka.confluent import Admin, Producer, Reader
from reliability.kernel.record import Header, Record, TopicPartition
from tests.support import raw_kafka
from tests.support.waiting import wait_until

NAME = "scenario"


class Broker:
    """One broker, by its address."""

    def __init__(self, servers: str) -> None:
        self.servers = servers
        self._profile = {"bootstrap.servers": servers}
        self._kept: Producer | None = None

    def producer(self) -> Producer:
        """A producer; the caller closes it. A new one takes half a second to begin."""
        return Producer(self._profile, client_id=NAME)

    @property
    def writer(self) -> Producer:
        """The one producer that is kept until ``close``."""
        if self._kept is None:
            self._kept = self.producer()
        return self._kept

    def close(self) -> None:
        """Give up what is kept."""
        if self._kept is not None:
            self._kept.close(0.0)

    def admin(self) -> Admin:
        """An admin."""
        return Admin(self._profile, client_id=NAME)

    def create(self, *names: str, partitions: int = 1) -> None:
        """Create topics; one of the same name may still be going away."""
        admin = self.admin()
        for name in names:
            wait_until(
                lambda name=name: admin.create_topics({name: partitions})[name] is None,  # type: ignore[misc]
                within_s=30,
                what=f"topic {name} is made",
            )

    def produce(
        self,
        topic: str,
        *values: bytes | None,
        key: bytes | None = None,
        headers: Sequence[Header] = (),
        partition: int | None = None,
    ) -> None:
        """Write records and wait until the broker has them."""
        for value in values:
            self.writer.produce(topic=topic, key=key, value=value, headers=headers, partition=partition)
        assert self.writer.flush(20) == 0, f"not written to {topic}"

    def produce_raw(
        self, topic: str, *, key: bytes | None, value: bytes | None, headers: Sequence[raw_kafka.RawHeader]
    ) -> None:
        """Write a record whose header names are any bytes, and wait until the broker has it."""
        raw_kafka.produce(self.servers, topic=topic, key=key, value=value, headers=headers)

    def rewind(self, group: str, *topics: str) -> None:
        """Have a group that nobody is in begin again at offset 0 of partition 0."""
        client = confluent_kafka.Consumer({**self._profile, "group.id": group, "log_level": 3})
        try:
            begin = [confluent_kafka.TopicPartition(topic, 0, 0) for topic in topics]
            done = client.commit(offsets=begin, asynchronous=False) or []
            assert [place.error for place in done] == [None] * len(topics)
        finally:
            client.close()

    def records(self, topic: str) -> list[Record]:
        """All that a topic holds now, partition by partition."""
        admin = self.admin()
        places = [TopicPartition(topic, number) for number in range(admin.topics().get(topic, 0))]
        starts, ends = admin.start_offsets(places), admin.end_offsets(places)
        assert len(ends) == len(places), f"not every partition of {topic} answers"
        found: list[Record] = []
        with contextlib.closing(Reader(self._profile, client_id=NAME)) as reader:
            for place in places:
                found += reader.read(place, starts.get(place, 0), ends[place], deadline_s=60)
        return found
