"""A topic that is written and a group that reads it, on a broker that may go away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import confluent_kafka

from reliability.lag.polling.poller import Poller

HOT_S = 0.9  # ten looks span eight seconds
SLOW_S = 1.5  # and thirteen: members need some seconds to come back to a broker, which is a standstill of theirs
QUIET = {"log_level": 0}  # a broker that goes away is what is tried here


class Flow:
    """Writers and members, each on a thread of its own, until the block is left."""

    def __init__(self, profile: Mapping[str, Any], *, topic: str, group: str) -> None:
        self._profile, self.topic, self.group = {**profile, **QUIET}, topic, group
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    @contextmanager
    def running(self) -> Iterator[Flow]:
        try:
            yield self
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join(30)

    def writer(self, *, every_s: float) -> None:
        """Write a record every so often; what the broker does not take in time is forgotten."""

        def write() -> None:
            producer = confluent_kafka.Producer(self._profile | {"linger.ms": 0, "message.timeout.ms": 2_000})
            while not self._stop.wait(every_s):
                producer.produce(self.topic, b"v")
                producer.poll(0)
            producer.flush(5)

        self._start(write)

    def member(self, *, until: threading.Event | None = None) -> None:
        """Read and commit at once, until the end or until the event is set."""
        leave = until or self._stop

        def read() -> None:
            consumer = confluent_kafka.Consumer(
                self._profile
                | {
                    "group.id": self.group,
                    "enable.auto.commit": False,
                    "auto.offset.reset": "earliest",
                    "session.timeout.ms": 6_000,
                }
            )
            consumer.subscribe([self.topic])
            while not self._stop.is_set() and not leave.is_set():
                record = consumer.poll(0.2)
                if record is not None and record.error() is None:
                    consumer.commit(record, asynchronous=True)
            consumer.close()

        self._start(read)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._threads.append(thread)


def polled(poller: Poller, *, for_s: float, each: Callable[[], object] = lambda: None) -> None:
    """Let a poller poll for so long."""
    until = time.monotonic() + for_s
    while time.monotonic() < until:
        poller.step()
        each()
        time.sleep(0.1)
