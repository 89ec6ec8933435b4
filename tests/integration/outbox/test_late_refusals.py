"""What the broker refuses only when it is sent: its key is parked, other keys never wait."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import outbox
from outbox import queries
from outbox.relay import sending
from reliability.kafka import ports
from reliability.kafka.memory import MemoryBroker
from reliability.kernel.record import Outgoing
from tests.support.outbox import append, drain, make_relay, values


class Choosy:
    """A producer whose broker takes records of up to 100 bytes, which the client does not know before it sends.

    As librdkafka does, it blames all that travelled together, and takes nothing more afterwards.
    """

    made = 0

    def __init__(self, broker: MemoryBroker) -> None:
        Choosy.made += 1
        self.inner = broker.producer()
        self.waiting: list[tuple[Outgoing, Callable[[int, ports.DeliveryError | None], None]]] = []
        self.broken = False

    def produce_many(self, records, *, start, on_answer):
        self.waiting += [(records[place], partial(on_answer, place)) for place in range(start, len(records))]
        return len(records)

    def produce(self, *, on_delivery, **record):
        def told(offset, error):
            on_delivery(ports.Delivery(topic=record["topic"], partition=0, offset=offset, error=error))

        self.waiting.append((Outgoing(**record), told))

    def poll(self, timeout_s=0.0):
        return 0

    def flush(self, timeout_s):
        together, self.waiting = self.waiting, []
        self.broken |= any(len(record.value or b"") > 100 for record, _ in together)
        for record, told in together:
            if self.broken:
                told(-1, ports.DeliveryError(code="MSG_SIZE_TOO_LARGE", message="too large", permanent=True))
            else:
                self.inner.produce(**record._asdict(), on_delivery=lambda d, told=told: told(d.offset, d.error))
        return self.inner.flush(timeout_s)

    def close(self, timeout_s=0.0):
        return 0


def test_a_late_refusal_parks_the_rest_of_the_key_and_spares_the_innocent(broker):
    append(
        *[outbox.Event(topic="orders", key=b"k", value=value) for value in (b"1", b"x" * 200, b"3")],
        outbox.Event(topic="orders", key=b"j", value=b"4"),
        outbox.Event(topic="orders", key=b"i", value=b"5"),
    )
    drain(make_relay(broker, producer=lambda: Choosy(broker)))
    assert sorted(values(broker, "orders")) == [b"1", b"4", b"5"]
    parked = queries.parked()
    assert [(row.code, row.behind) for row in parked] == [("msg_size_too_large", False), ("behind", True)]
    assert parked[0].number.endswith("/2"), "the number that was spent on it is kept"
    assert Choosy.made >= 2


def test_a_topic_that_is_refused_parks_its_events_without_trying_each_alone(broker, monkeypatch):
    broker.refuse("stock", ports.DeliveryError(code="UNKNOWN_TOPIC_OR_PART", message="gone", permanent=True))
    monkeypatch.setattr(sending.Sender, "_send_singly", None)
    append(
        *[outbox.Event(topic="stock", key=str(n % 3).encode(), value=b"v") for n in range(9)],
        outbox.Event(topic="orders", key=b"0", value=b"fine"),
    )
    drain(make_relay(broker))
    assert values(broker, "orders") == [b"fine"]
    assert sorted(row.behind for row in queries.parked()) == [False] * 3 + [True] * 6
