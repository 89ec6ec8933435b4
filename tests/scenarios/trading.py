"""A service at work during a scenario, and the checker of what it wrote, sent, handled and dead-lettered."""

from __future__ import annotations

import json
import os
import signal
import uuid
from collections import Counter
from dataclasses import dataclass, field

from reliability.kernel import wire
from tests.scenarios.tally import Tally
from tests.support import shop
from tests.support.system import System, wait_until

NAME = "shop"
BUSY = 20


@dataclass
class Trade:
    """Orders written with their events, relayed, handled; every 20th dead-lettered, and stored as a letter."""

    system: System
    also_reads: tuple[str, ...] = ()
    group: str = "h.billing"
    topic: str = field(default_factory=lambda: f"h.{uuid.uuid4().hex[:8]}.events")
    every_s: float = 0.03

    def open(self) -> None:
        """Start the service."""
        self.system.rows(shop.TABLES)
        self.system.broker.create(self.topic, partitions=3)
        given = {
            "writes": self.topic,
            "reads": [self.topic, *self.also_reads],
            "group": self.group,
            "every_s": self.every_s,
        }
        self.system.run(self.system.service(NAME, "-m", "tests.support.shop", json.dumps(given)))

    def wait_until_busy(self) -> None:
        """Wait until orders are handled."""
        wait_until(
            lambda: self.handled().total() > BUSY, within_s=60, what=lambda: f"orders come\n{self.system.log(NAME)}"
        )

    def close(self) -> None:
        """Have it write no more, wait until all that was written has arrived somewhere, and end it."""
        os.kill(self.system.pid(NAME), signal.SIGUSR1)
        closed = "SELECT count(*) FROM scenario_order WHERE topic = %s"
        wait_until(lambda: self.system.one(closed, shop.closed(self.topic)) == 1, within_s=30, what="no more orders")
        wait_until(
            lambda: len(self.handled()) + len(self.letters()) >= self.written(),
            within_s=60,
            what=lambda: (
                f"{len(self.handled())} handled, {len(self.letters())} letters, of {self.written()} orders\n"
                + self.system.log(NAME)
            ),
        )
        self.system.stop(NAME)

    def written(self) -> int:
        """How many orders are committed."""
        count: int = self.system.one("SELECT count(*) FROM scenario_order WHERE topic = %s", self.topic)
        return count

    def handled(self, topic: str = "") -> Counter[bytes]:
        """Values of handled messages, and how often each was."""
        rows = self.system.rows("SELECT value FROM scenario_effect WHERE topic = %s", topic or self.topic)
        return Counter(bytes(value) for (value,) in rows)

    def letters(self) -> Counter[bytes]:
        """Values of stored letters, and how many each has; duplicates, which repeat a failure, left out."""
        query = "SELECT value FROM dlq_letter WHERE topic = %s AND duplicate_of_id IS NULL"
        rows = self.system.rows(query, wire.dlq_topic(self.topic, self.group))
        return Counter(bytes(value) for (value,) in rows)

    def check(self, tally: Tally) -> None:
        """Every committed order is in the topic, in order per customer, and was handled or dead-lettered once."""
        written = self.written()
        wanted = Counter(shop.value(number) for number in range(written))
        sent, order = self._sent()
        handled, letters = self.handled(), self.letters()
        failed = Counter(shop.value(number) for number in range(written) if shop.fails(number))
        tally.add("events", total=written, lost=len(wanted - sent), doubled=0)
        tally.note("events sent again by a relay (at least once; the same event id)", (sent - wanted).total())
        tally.add("effects", total=written, lost=len(wanted - failed - handled), doubled=(handled - wanted).total())
        tally.add("letters", total=failed.total(), lost=len(failed - letters), doubled=(letters - failed).total())
        assert written > 0
        assert wanted - sent == Counter(), "lost on the way to Kafka"
        assert set(sent) == set(wanted), "sent, though never committed"
        assert handled == wanted - failed
        assert letters == failed
        assert order == [], "out of order"

    def _sent(self) -> tuple[Counter[bytes], list[str]]:
        """Values in the topic; and where one came before an earlier one of its key, repetitions left out."""
        sent: Counter[bytes] = Counter()
        ids: dict[bytes, set[bytes | None]] = {}
        newest: dict[bytes | None, int] = {}
        wrong = []
        for record in self.system.broker.records(self.topic):
            value = record.value or b""
            ids.setdefault(value, set()).add(wire.last(record.headers, wire.EVENT_ID))
            number = json.loads(value)["number"]
            if not sent[value] and number < newest.get(record.key, -1):
                wrong.append(f"{number} after {newest[record.key]}")
            newest[record.key] = max(number, newest.get(record.key, -1))
            sent[value] += 1
        assert all(len(each) == 1 for each in ids.values()), "one order has two events"
        return sent, wrong
