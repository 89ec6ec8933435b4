"""Asks Kafka every question of the admin port, on and on, until told to stop: ``python -m tests.support.asker``.

A client that cannot bear that the broker goes away in the middle of a question ends this process with it.
"""

from __future__ import annotations

import contextlib
import os
import time

from reliability.kafka import ports
from reliability.kafka.confluent import Admin
from reliability.kernel import process
from reliability.kernel.record import TopicPartition


def main() -> None:
    """Ask on and on."""
    admin = Admin({"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]}, client_id="asker", answer_s=2.0)
    topic, group = "h.asker", "h.asker"
    place = [TopicPartition(topic, 0)]
    questions = (
        lambda: admin.create_topics({topic: 1}),
        admin.topics,
        lambda: admin.topic_id(topic),
        lambda: admin.end_offsets(place),
        lambda: admin.start_offsets(place),
        lambda: admin.committed(group, place),
        admin.groups,
        admin.record_limits,
    )
    with process.stop_on_signals() as stop:
        while not stop.is_set():
            for question in questions:
                with contextlib.suppress(ports.Unavailable):
                    question()
            time.sleep(0.1)


if __name__ == "__main__":
    main()
