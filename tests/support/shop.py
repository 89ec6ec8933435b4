"""A small service for scenarios: one thread writes orders with their events, another handles what arrives, once each.

``python -m tests.support.shop`` with a JSON object: ``writes`` (topic of its own events), ``reads`` (topics),
``group``, ``every_s``. SIGUSR1 has it write no more, and handle on. Every 20th order of its own is a dead letter at
first. What was written and what was handled stand in the tables ``scenario_order`` and ``scenario_effect``, committed
with the event and with the inbox row.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from typing import Any

import django

TABLES = """
CREATE TABLE IF NOT EXISTS scenario_order (topic text, number int, PRIMARY KEY (topic, number));
CREATE TABLE IF NOT EXISTS scenario_effect (topic text, value bytea, message_id text, attempt int, at timestamptz);
"""
FAILS_EVERY = 20
KEYS = 7


def key(number: int) -> bytes:
    """Few customers, many orders each."""
    return b"customer-%d" % (number % KEYS)


def value(number: int) -> bytes:
    return b'{"number": %d}' % number


def fails(number: int) -> bool:
    """Whether the first attempt at an order is refused for good."""
    return number % FAILS_EVERY == FAILS_EVERY - 1


def closed(topic: str) -> str:
    """The topic of the row that says how many orders were written to ``topic``: no more will be."""
    return f"{topic} closed"


def main(given: dict[str, Any]) -> None:
    """Run until told to stop."""
    django.setup()
    from outbox.consume import Consumer  # needs Django's apps to be loaded
    from reliability.kernel import process
    from reliability.live.operations import DatabaseHeartbeat

    enough = threading.Event()
    signal.signal(signal.SIGUSR1, lambda number, frame: enough.set())
    with process.stop_on_signals() as stop:
        threading.Thread(target=_write, args=(enough, given["writes"], given["every_s"]), daemon=True).start()
        consumer = Consumer(group=given["group"], topics=given["reads"], handler=_handle)
        consumer.run(stop, heartbeat=DatabaseHeartbeat())


def _handle(message: Any) -> None:
    from django.db import connection

    from reliability.kernel.errors import Permanent

    if message.attempt == 1 and message.topic.endswith(".events") and fails(message.json()["number"]):
        raise Permanent("out of stock")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO scenario_effect VALUES (%s, %s, %s, %s, clock_timestamp())",
            [message.topic, message.value, message.message_id, message.attempt],
        )


def _write(enough: threading.Event, topic: str, every_s: float) -> None:
    """Write one order after another; without a database try the same one again until it is there."""
    from django.db import Error, IntegrityError, connection, transaction

    import outbox

    number = 0
    while not enough.wait(every_s):
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("INSERT INTO scenario_order VALUES (%s, %s)", [topic, number])
                outbox.append(topic=topic, key=key(number), value=value(number))
            number += 1
        except IntegrityError:
            number += 1  # its commit had no answer, and was one
        except Error:
            connection.close()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO scenario_order VALUES (%s, %s)", [closed(topic), number])


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
