"""Letters that a scenario writes and replays, and the checker that reads afterwards what became of them."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from outbox.domain.event import sha256_of
from reliability.kernel import wire
from reliability.kernel.record import Header, Record
from tests.scenarios.tally import Tally
from tests.support.console import Answer
from tests.support.letters import headers as failure_headers
from tests.support.system import OPERATOR, System, wait_until

ON_ITS_WAY = ("planned", "queued")
WITH_RECEIPT = ("sent", "passed", "confirmed", "failed_again")
# What the records carried before they failed: a replay must send these, in this order, and nothing of the failure.
OWN: tuple[Header, ...] = (("h", b"1"), ("g", b"\x00\xff"), ("h", b"2"), ("null", None), ("empty", b""))
PARTITIONS = 3
WRITER_FLUSH_S = 60


@dataclass(frozen=True)
class Flood:
    """Failed records of one origin topic and one consumer group, as that group would have dead-lettered them."""

    system: System
    origin: str = field(default_factory=lambda: f"h.{uuid.uuid4().hex[:8]}.orders")
    group: str = "h.billing"

    @property
    def topic(self) -> str:
        """The dead-letter topic."""
        return wire.dlq_topic(self.origin, self.group)

    def create(self) -> None:
        """Make both topics."""
        self.system.broker.create(self.origin, partitions=PARTITIONS)
        self.system.broker.create(self.topic)

    def write(self, numbers: Iterable[int], *, times: int = 1) -> None:
        """Dead-letter these records, each ``times`` times, and wait until Kafka has them."""
        producer = self.system.broker.writer
        for number in numbers:
            for _ in range(times):
                producer.produce(topic=self.topic, key=key(number), value=value(number), headers=self.headers(number))
                producer.poll(0)
        assert producer.flush(WRITER_FLUSH_S) == 0

    def headers(self, number: int) -> tuple[Header, ...]:
        """What the consumer that gave up wrote: the record's own headers and ours of its failure."""
        told = failure_headers(
            origin_topic=self.origin,
            origin_partition=number % PARTITIONS,
            origin_offset=number,
            group=self.group,
            error_message=f"no answer for order {number}",
        )
        return (*OWN, *told)

    def stored(self) -> int:
        """How many letters there are of it."""
        count: int = self.system.one("SELECT count(*) FROM dlq_letter WHERE topic = %s", self.topic)
        return count

    def wait_until_stored(self, count: int, *, within_s: float = 60) -> None:
        """Wait for that many letters."""
        wait_until(
            lambda: self.stored() >= count,
            within_s=within_s,
            what=lambda: f"{self.stored()} of {count} letters\n{self.system.log('letters')}",
        )

    def letter_ids(self) -> list[int]:
        """The leading letters, by the number of their record."""
        query = "SELECT id FROM dlq_letter WHERE topic = %s AND duplicate_of_id IS NULL ORDER BY origin_offset"
        return [row[0] for row in self.system.rows(query, self.topic)]

    def arrive(self, count: int) -> list[int]:
        """Have ``count`` letters in the console; their ids."""
        self.system.need("letters", "web")
        self.create()
        self.write(range(count))
        self.wait_until_stored(count)
        return self.letter_ids()


def key(number: int) -> bytes:
    """Few keys, many records each; one is empty, another is no text."""
    return (b"", b"\xff\x00", b"order-2", b"order-3", b"order-4")[number % 5]


def value(number: int) -> bytes:
    return b'{"order": %d}\x00\xff' % number


def draw(system: System, letter_ids: list[int], *, who: str = OPERATOR, rate: float = 500) -> dict[str, Any]:
    """Have a plan drawn through the API."""
    answer = system.send("POST", "/api/v1/replay-plans", {"scope": {"ids": letter_ids}, "rate": rate}, who=who)
    assert answer.status == 201, answer
    plan: dict[str, Any] = answer.json
    return plan


def approve(system: System, plan: dict[str, Any], *, who: str = OPERATOR) -> Answer:
    """Approve a plan through the API, whatever comes of it."""
    return system.send(
        "POST", "/api/v1/replays", {"plan": plan["id"], "hash": plan["hash"], "reason": "mended"}, who=who
    )


def start(system: System, letter_ids: list[int], *, rate: float = 500) -> int:
    """Plan and approve; the run's id."""
    plan = draw(system, letter_ids, rate=rate)
    answer = approve(system, plan)
    assert answer.status == 201, (answer, plan)
    run: int = answer.json["id"]
    return run


def states(system: System, run: int) -> dict[str, int]:
    """The run's items by state, from the items."""
    return dict(system.rows("SELECT state, count(*)::int FROM dlq_replayitem WHERE replay_id = %s GROUP BY 1", run))


def wait_until_sent(system: System, run: int, *, within_s: float = 90) -> None:
    """Wait until nothing of the run is on its way."""
    wait_until(
        lambda: not set(states(system, run)) & set(ON_ITS_WAY),
        within_s=within_s,
        what=lambda: f"run {run}: {states(system, run)}\n{system.log('worker-relay')}\n{system.log('worker-standard')}",
    )


@dataclass
class Found:
    """What a checker found of some runs."""

    items: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)
    unknown: int = 0


def check_runs(flood: Flood, *runs: int, tally: Tally) -> Found:
    """Compare every item of these runs with what the origin topic holds, and fail on the first disagreement.

    With a receipt: exactly one record says it is of this item, it lies where the receipt says, its digest is the
    receipt's, and key, value and headers are those of the record that had failed. Unknown: at most one. Else: none.
    """
    system, found = flood.system, Found()
    by_item: dict[str, list[Record]] = {}
    for record in system.broker.records(flood.origin):
        by_item.setdefault((wire.last(record.headers, wire.REPLAY) or b"").decode(), []).append(record)
    query = (
        "SELECT i.replay_id || '/' || i.id, i.state, l.origin_offset, i.sent_partition, i.sent_offset, i.sent_sha256"
        " FROM dlq_replayitem i JOIN dlq_letter l ON l.id = i.letter_id WHERE i.replay_id = ANY(%s)"
    )
    for name, state, number, partition, offset, sha256 in system.rows(query, list(runs)):
        records = by_item.pop(name, [])
        found.items += 1
        found.unknown += state == "unknown"
        if len(records) > 1:
            found.doubled.append(name)
        elif state in WITH_RECEIPT and not records:
            found.lost.append(name)
        elif state in WITH_RECEIPT:
            found.untrue += untrue(records[0], number, (partition, offset, bytes(sha256)))
        elif state != "unknown" and records:
            found.untrue.append(f"{name} is {state}, and was sent")
    found.untrue += [f"{name} is no item of these runs" for name in by_item if name.split("/")[0] in map(str, runs)]
    tally.add(
        "replay items", total=found.items, lost=len(found.lost), doubled=len(found.doubled), unknown=found.unknown
    )
    assert (found.lost, found.doubled, found.untrue) == ([], [], [])
    return found


def untrue(record: Record, number: int, receipt: tuple[int, int, bytes]) -> list[str]:
    """What of a sent record is not as it should be."""
    wrong = []
    digest = sha256_of(key=record.key, value=record.value, headers=record.headers)
    if (record.partition, record.offset, digest) != receipt:
        wrong.append(f"record {number} is at {record.partition}/{record.offset}, its receipt says {receipt[:2]}")
    lineage = (wire.MESSAGE_ID, wire.ATTEMPT, wire.REPLAY)
    own = tuple(header for header in record.headers if header[0] not in lineage)
    if (record.key, record.value, own) != (key(number), value(number), OWN):
        wrong.append(f"record {number} has other bytes: {record}")
    if tuple(name for name, _ in record.headers[len(OWN) :]) != lineage:
        wrong.append(f"record {number} has no such lineage: {record.headers}")
    return wrong


def check_letters(flood: Flood, total: int, *, tally: Tally) -> None:
    """Every dead-lettered record is stored once, byte for byte."""
    query = "SELECT origin_offset, key, value, headers FROM dlq_letter WHERE topic = %s"
    rows = flood.system.rows(query, flood.topic)
    count = Counter(row[0] for row in rows)
    lost = [number for number in range(total) if not count[number]]
    doubled = [number for number, times in count.items() if times > 1]
    tally.add("letters", total=total, lost=len(lost), doubled=len(doubled))
    assert (lost, doubled) == ([], [])
    for number, stored_key, stored_value, stored_headers in rows:
        given = (key(number), value(number), flood.headers(number))
        assert (stored_key, stored_value, wire.unpack_headers(stored_headers)) == given
