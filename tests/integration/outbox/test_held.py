"""A topic that depends on a breaker: its events wait in order, others go on, and nothing is lost or doubled."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

import outbox
from outbox import queries
from outbox.models import Waiting
from outbox.queries import causes
from outbox.relay.engine import Relay
from reliability.console.domain.values import Subject
from reliability.kafka.memory import MemoryBroker
from reliability.kafka.ports import Passage
from reliability.kernel import clock
from reliability.kernel.clock import ManualClock
from reliability.kernel.record import Record
from reliability.live import operations as live
from tests.integration.outbox.test_about import ALL
from tests.integration.outbox.test_causes import HOUR
from tests.integration.outbox.test_recovery import PLACES, Died, deadly, forget_leases
from tests.support.outbox import append, drain, make_relay, number, values

__all__ = ["deadly"]  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)

WHY = "the breaker payments, which is open"
SHUT = Passage(share=0.0, again_s=0.25, reason=WHY)
OPEN = Passage(share=1.0)


class Gate:
    """A gate that a test sets."""

    def __init__(self, passage: Passage = SHUT) -> None:
        self.says = passage

    def passage(self) -> Passage:
        return self.says


class Bench:
    """A relay of two topics, of which ``payments`` depends on somebody."""

    def __init__(self) -> None:
        self.broker, self.clock, self.gate = MemoryBroker(), ManualClock(), Gate()
        self.broker.log.create({"payments": 1, "orders": 1})
        self.relay = self.another()

    def another(self) -> Relay:
        return make_relay(self.broker, time=self.clock, gates={"payments": self.gate})

    def append(self, *numbers: int, topic: str = "payments", key: bytes = b"k", **more: bool) -> None:
        append(*(outbox.Event(topic=topic, key=key, value=b"%d" % each, **more) for each in numbers))  # type: ignore[arg-type]

    def step(self, seconds: float = 0.3) -> None:
        self.clock.advance(seconds)
        drain(self.relay)

    def records(self) -> list[Record]:
        return list(self.broker.records("payments"))

    def sent(self, topic: str = "payments") -> list[int]:
        return [int(value or b"") for value in values(self.broker, topic)]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_its_events_wait_while_others_go_on_and_then_go_in_order(bench: Bench) -> None:
    bench.append(1, 2)
    bench.append(1, topic="orders")
    bench.append(3, key=b"other")
    drain(bench.relay)
    bench.append(4)
    bench.append(2, topic="orders")
    drain(bench.relay)
    assert (bench.sent(), bench.sent("orders"), Waiting.objects.count()) == ([], [1, 2], 4)
    bench.gate.says = OPEN
    bench.append(5)
    bench.step()
    assert [each for each in bench.sent() if each != 3] == [1, 2, 4, 5]
    assert (3 in bench.sent(), Waiting.objects.count()) == (True, 0)
    bench.append(6)
    drain(bench.relay)
    assert bench.sent()[-1] == 6
    numbers = [number(record) for record in bench.broker.records("payments") if record.key == b"k"]
    assert [text.rsplit("/", 1)[1] for text in numbers] == ["1", "2", "3", "4", "5"], "no gap for readers"


def test_what_comes_while_it_is_let_go_stays_behind_what_waits(bench: Bench) -> None:
    bench.append(*range(1200))
    drain(bench.relay)
    assert Waiting.objects.count() == 1200
    bench.gate.says = OPEN
    bench.clock.advance(0.3)
    assert bench.relay.step()
    bench.append(1200)
    drain(bench.relay)
    assert bench.sent() == list(range(1201))


def test_a_ramp_gives_it_a_share_of_the_time(bench: Bench) -> None:
    bench.append(*range(3 * 500))
    drain(bench.relay)
    bench.gate.says = Passage(share=0.1, again_s=0.25)
    land = bench.relay._land

    def slow(batches: object) -> None:
        land(batches)  # type: ignore[arg-type]
        bench.clock.advance(0.2)

    bench.relay._land = slow  # type: ignore[method-assign,assignment]
    bench.clock.advance(0.3)
    bench.relay.step()
    assert len(bench.sent()) == 500
    began_s = bench.clock.monotonic()
    while len(bench.sent()) == 500:
        bench.clock.advance(0.1)
        bench.relay.step()
        bench.clock.advance(-0.2)  # what an idle look at the windows took
    assert len(bench.sent()) == 1000
    assert 1.5 < bench.clock.monotonic() - began_s < 2.6


def test_in_half_open_one_goes_now_and_then_so_that_somebody_can_try(bench: Bench) -> None:
    bench.append(*range(10))
    for key in range(8):
        bench.append(100 + key, key=b"%d" % key)
    drain(bench.relay)
    bench.gate.says = Passage(share=1.0, records=1, again_s=0.25)
    for _ in range(3):
        before = len(bench.sent())
        bench.step(1.1)
        assert len(bench.sent()) == before + 1
    bench.step(0.1)
    assert len(bench.sent()) == 3


@pytest.mark.parametrize("place", PLACES)
def test_a_relay_that_dies_over_what_waited_is_gone_on_from(bench: Bench, deadly: Any, place: str) -> None:
    bench.append(*range(5))
    bench.append(*range(5, 10), receipt=True)
    drain(bench.relay)
    bench.gate.says = OPEN
    bench.clock.advance(0.3)
    deadly(place)
    with pytest.raises(Died):
        drain(bench.relay)
    forget_leases()
    bench.append(10)
    bench.relay = bench.another()
    drain(bench.relay)
    assert list(dict.fromkeys(bench.sent())) == list(range(11)), "in order, nothing lost"
    assert [each for each in bench.sent() if 5 <= each < 10] == list(range(5, 10)), "what has a receipt goes once"
    numbers = {value: number(record) for value, record in zip(bench.sent(), bench.records(), strict=True)}
    assert [text.rsplit("/", 1)[1] for text in numbers.values()] == [str(each) for each in range(1, 12)]
    assert Waiting.objects.count() == 0


def test_an_event_with_a_receipt_waits_too_and_has_it_when_it_went(bench: Bench) -> None:
    [event_id] = append(outbox.Event(topic="payments", key=b"k", value=b"7", receipt=True))
    drain(bench.relay)
    assert [row.state for row in queries.about("k", visible=ALL)] == ["waiting"]
    bench.gate.says = OPEN
    bench.step()
    assert [row.state for row in queries.about("k", visible=ALL)] == ["sent"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT event_id, state FROM outbox_receipt")
        assert cursor.fetchall() == [(event_id, "sent")]


def test_a_topic_that_is_named_no_more_lets_its_events_go(bench: Bench) -> None:
    bench.append(1, 2)
    drain(bench.relay)
    bench.relay.close()
    bench.relay = make_relay(bench.broker, time=bench.clock)
    bench.step(60.0)
    assert bench.sent() == [1, 2]


def test_it_is_told_what_waits_and_for_whom(bench: Bench) -> None:
    bench.append(1, 2)
    drain(bench.relay)
    assert bench.relay.facts()["held_topics"] == {"payments": WHY}
    live.record_beat(
        name="relay", host="a", pid=1, state="running", facts=bench.relay.facts(), started_at=clock.SYSTEM.now()
    )
    [fact] = causes.cause(Subject(kind="topic", name="payments"), HOUR, now=clock.SYSTEM.now())
    assert (fact.severity, fact.text) == ("paused", f"2 events for it wait in the outbox, held back by {WHY}")
    bench.gate.says = OPEN
    bench.step()
    assert "held_topics" not in bench.relay.facts()
    assert list(causes.cause(Subject(kind="topic", name="payments"), HOUR, now=clock.SYSTEM.now())) == []
