"""What we ask of librdkafka, and why; a cluster's profile and the caller's settings go over it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Settings = Mapping[str, object]
Merged = dict[str, Any]  # what the client takes: texts, numbers, booleans

RECORD_BYTES_MAX = 12 * 1024 * 1024
"""The largest record all our clients send and fetch; the embedded broker allows the same."""

MAX_POLL_INTERVAL_S = 300.0
"""A member that does not poll for so long loses its partitions."""

_COMMON: Settings = {
    # A broker that comes back after a restart is found within two seconds; the default waits up to ten.
    "reconnect.backoff.ms": 100,
    "reconnect.backoff.max.ms": 2_000,
    # A topic created a moment ago is seen within five seconds; the default takes five minutes.
    "topic.metadata.refresh.interval.ms": 5_000,
    "log.connection.close": False,  # idle connections that the broker closes are no news
}

_PRODUCER: Settings = {
    **_COMMON,
    "enable.idempotence": True,
    "acks": "all",
    "linger.ms": 5,
    "batch.num.messages": 10_000,
    "message.max.bytes": RECORD_BYTES_MAX,
    "compression.type": "none",
    "partitioner": "murmur2_random",  # Java's choice, so that a key goes where everybody else's goes
    "delivery.timeout.ms": 30_000,
    # How long a topic may stay unknown before it counts as missing: the brokers may not all know a new one yet.
    "topic.metadata.propagation.max.ms": 5_000,
    # Bounds the memory of a producer whose broker is away; ten records of the largest size fit.
    "queue.buffering.max.kbytes": 128 * 1024,
    "queue.buffering.max.messages": 100_000,
}

_CONSUMER: Settings = {
    **_COMMON,
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",
    "allow.auto.create.topics": False,
    "partition.assignment.strategy": "cooperative-sticky",
    "session.timeout.ms": 10_000,  # a killed member's partitions move after this
    "heartbeat.interval.ms": 1_000,  # a member learns of a rebalance with its next heartbeat, and one takes two rounds
    "max.poll.interval.ms": int(MAX_POLL_INTERVAL_S * 1000),
    "max.partition.fetch.bytes": RECORD_BYTES_MAX + 64 * 1024,
    "fetch.max.bytes": RECORD_BYTES_MAX + 4 * 1024 * 1024,  # of one answer, however many partitions are in it
    # What is fetched ahead, per consumer: enough for some of the largest records, small for the machine.
    "queued.max.messages.kbytes": 32 * 1024,
    "enable.partition.eof": False,
}

_READER: Settings = {
    **_CONSUMER,
    "group.id": "mainstay-reader",  # the client demands one; it is never joined and nothing is committed
    "auto.offset.reset": "error",
    "enable.partition.eof": True,
    "fetch.wait.max.ms": 50,  # how long the end of a partition takes to be told
}

_ADMIN: Settings = {**_COMMON, "socket.timeout.ms": 10_000}


def producer(profile: Settings, *, client_id: str, settings: Settings) -> Merged:
    """The producer's settings: ours, the cluster's profile, the caller's; the later wins."""
    return {**_PRODUCER, **profile, "client.id": client_id, **settings}


def consumer(profile: Settings, *, client_id: str, group: str, instance_id: str | None, settings: Settings) -> Merged:
    """The consumer's settings; `instance_id` makes it a static member of its group."""
    static = {"group.instance.id": instance_id} if instance_id else {}
    return {**_CONSUMER, **profile, "client.id": client_id, "group.id": group, **static, **settings}


def reader(profile: Settings, *, client_id: str) -> Merged:
    """The settings for reading a range without a group."""
    return {**_READER, **profile, "client.id": client_id}


def admin(profile: Settings, *, client_id: str) -> Merged:
    """The settings for questions and orders to a cluster."""
    return {**_ADMIN, **profile, "client.id": client_id}
