"""A relay that dies between two writes, and the one after it: nothing lost, order kept, receipts true."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.db import connection

import outbox
from outbox import queries
from outbox.relay import engine, holdings, journal, leases, recovery, sending
from reliability.kernel import clock, wire
from tests.support.outbox import append, drain, make_relay, number, values


class Died(BaseException):
    """The process is gone; nothing in it runs any more."""


class Deadly:
    """Kills the relay at the n-th time it comes by."""

    def __init__(self, place: str, *, times: int = 1) -> None:
        self.place = place
        self.left = times

    def reach(self, name: str) -> None:
        if name == self.place:
            self.left -= 1
            if self.left == 0:
                raise Died


PLACES = [
    "relay.before_begin",
    "relay.in_begin",
    "relay.after_begin",
    "relay.after_produce",
    "relay.after_delivery",
    "relay.in_finish",
    "relay.after_finish",
]


@pytest.fixture
def deadly(monkeypatch):
    def at(place: str, *, times: int = 1) -> None:
        made = Deadly(place, times=times)
        for module in (engine, journal, sending, recovery):
            if hasattr(module, "failpoint"):
                monkeypatch.setattr(module.failpoint, "reach", made.reach)

    return at


def forget_leases() -> None:
    """Let the time of the dead relay's leases pass."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbox_shard SET until = clock_timestamp() - interval '1 second'")
        cursor.execute("UPDATE outbox_member SET seen_at = clock_timestamp() - interval '1 minute'")


def die(broker) -> None:
    """Run a relay until it dies; what it had handed to the client but not waited for is sent or not, as it happens."""
    relay = make_relay(broker)
    with pytest.raises(Died):
        drain(relay)
    forget_leases()


def events(count: int, *, receipt_every: int = 2) -> list[outbox.Event]:
    return [
        outbox.Event(topic="orders", key=f"key-{n % 7}".encode(), value=str(n).encode(), receipt=n % receipt_every == 0)
        for n in range(count)
    ]


@pytest.mark.parametrize("place", PLACES)
def test_a_death_anywhere_loses_nothing_keeps_order_and_repeats_no_receipt(broker, deadly, place):
    ids = append(*events(60))
    deadly(place)
    die(broker)
    after = make_relay(broker)
    drain(after)
    after.close()
    records = broker.records("orders")
    assert {int(record.value) for record in records} == set(range(60))
    for key in {record.key for record in records}:
        first_seen = list(dict.fromkeys(int(r.value) for r in records if r.key == key))
        assert first_seen == sorted(first_seen)
    with_receipt = [int(record.value) for record in records if int(record.value) % 2 == 0]
    assert len(with_receipt) == len(set(with_receipt)), "an event with a receipt was sent twice"
    at = {(record.partition, record.offset): int(record.value) for record in records}
    receipts = queries.receipts(ids)
    assert len(receipts) == 30
    for place_, id_ in enumerate(ids):
        if place_ % 2 == 0:
            assert receipts[id_].state == "sent"
            assert at[receipts[id_].partition, receipts[id_].offset] == place_


@pytest.mark.parametrize("place", PLACES)
def test_an_event_sent_again_has_the_number_of_the_first_time(broker, deadly, place):
    append(*events(60, receipt_every=1_000))
    deadly(place)
    die(broker)
    append(*events(60, receipt_every=1_000))
    after = make_relay(broker)
    drain(after)
    after.close()
    numbers: dict[str, set[bytes | None]] = {}
    for record in broker.records("orders"):
        event_id = wire.first(record.headers, wire.EVENT_ID)
        numbers.setdefault(f"{record.partition} {number(record)}", set()).add(event_id)
    assert all(len(event_ids) == 1 for event_ids in numbers.values()), "one number, two events"
    for origin in {name.rpartition("/")[0] for name in numbers}:
        counted = sorted(int(name.rpartition("/")[2]) for name in numbers if name.rpartition("/")[0] == origin)
        assert counted == list(range(1, len(counted) + 1)), "a gap"


def test_a_replay_is_known_again_by_its_own_header_although_it_is_raw(broker, deadly):
    headers = ((wire.REPLAY, b"7/1"), (wire.MESSAGE_ID, b"m"))
    append(outbox.Event(topic="orders", key=b"k", value=b"v", headers=headers, raw=True, receipt=True))
    deadly("relay.after_delivery")
    die(broker)
    drain(make_relay(broker))
    assert values(broker, "orders") == [b"v"]


def test_equal_raw_events_are_told_apart_by_their_count(broker, deadly):
    ids = append(*[outbox.Event(topic="orders", key=b"k", value=b"v", raw=True, receipt=True)] * 3)
    deadly("relay.after_delivery")
    die(broker)
    drain(make_relay(broker))
    assert values(broker, "orders") == [b"v", b"v", b"v"]
    assert sorted(receipt.offset or 0 for receipt in queries.receipts(ids).values()) == [0, 1, 2]


def test_where_the_topic_cannot_be_searched_a_receipt_is_unknown_and_nothing_is_sent_again(broker, deadly, monkeypatch):
    (id_, _) = append(
        outbox.Event(topic="orders", key=b"k", value=b"asked", receipt=True),
        outbox.Event(topic="orders", key=b"k", value=b"not asked"),
    )
    deadly("relay.after_delivery")
    die(broker)
    monkeypatch.setattr(recovery, "SCAN_RECORDS_MAX", 0)
    drain(make_relay(broker))
    assert values(broker, "orders") == [b"asked", b"not asked", b"not asked"]
    receipt = queries.receipts([id_])[id_]
    assert (receipt.state, receipt.offset) == ("unknown", None)
    assert "not sent again" in receipt.error


def test_what_was_parked_or_refused_when_the_batch_began_stays_so_in_the_recovery(broker, deadly):
    *_, refused = append(
        outbox.Event(topic="orders", key=b"k", value=b"1"),
        outbox.Event(topic="orders", key=b"k", value=b"2", partition=9),
        outbox.Event(topic="orders", key=b"k", value=b"3"),
        outbox.Event(topic="orders", key=b"j", value=b"4"),
        outbox.Event(topic="orders", key=b"j", value=b"5", partition=9, receipt=True),
    )
    deadly("relay.after_begin")
    die(broker)
    drain(make_relay(broker))
    assert sorted(values(broker, "orders")) == [b"1", b"4"]
    assert [(row.code, row.behind) for row in queries.parked()] == [("unknown_partition", False), ("behind", True)]
    assert queries.receipts([refused])[refused].state == "refused"


def test_a_relay_whose_shards_were_taken_writes_nothing_more(broker):
    sleeper, successor = make_relay(broker), make_relay(broker)
    sleeper.step()
    forget_leases()
    successor.step()
    assert len(successor.facts()["shards"]) == 16
    append(*events(20, receipt_every=1))
    sleeper.step()
    assert values(broker, "orders") == []
    drain(successor)
    assert len(values(broker, "orders")) == 20


def test_a_relay_that_loses_its_shards_while_it_sends_records_nothing(broker, monkeypatch):
    sleeper = make_relay(broker)
    sleeper.step()
    ids = append(*events(10, receipt_every=1))
    settle = sending.Sender.settle

    def taken_meanwhile(self, batches):
        settle(self, batches)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE outbox_shard SET epoch = epoch + 1, owner = 'another'")

    monkeypatch.setattr(sending.Sender, "settle", taken_meanwhile)
    sleeper.step()
    monkeypatch.undo()
    assert queries.receipts(ids) == {}
    forget_leases()
    drain(make_relay(broker))
    assert len(values(broker, "orders")) == 10
    assert {receipt.state for receipt in queries.receipts(ids).values()} == {"sent"}


def test_two_relays_share_the_shards_and_the_last_one_takes_all(broker):
    time = clock.ManualClock()
    one, two = make_relay(broker, time=time), make_relay(broker, time=time)
    one.step()
    assert len(one.facts()["shards"]) == 16
    for _ in range(3):
        two.step()
        time.advance(leases.KEEP_EVERY_S)
        one.step()
    assert len(one.facts()["shards"]) == len(two.facts()["shards"]) == 8
    one.close()
    time.advance(leases.KEEP_EVERY_S)
    two.step()
    assert len(two.facts()["shards"]) == 16
    two.close()


def test_the_shards_of_a_relay_that_died_on_this_machine_are_taken_before_its_lease_ends(broker):
    time = clock.ManualClock()
    one, two = make_relay(broker, time=time), make_relay(broker, time=time)
    one.step()
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbox_member SET pid = %s", [done.pid])
    owned = []
    for _ in range(2):
        two.step()
        owned.append(len(two.facts()["shards"]))
        time.advance(holdings.BURIAL_S)
    assert owned == [0, 16]
