"""Planning: order, partitions, numbers, and what is parked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from outbox.domain import planning
from outbox.domain.numbering import Numbering
from outbox.domain.planning import Row
from reliability.kernel import wire
from reliability.kernel.murmur import partition_for

PARTITIONS = {"orders": 3, "stock": 5}


def row(id_: int, *, topic: str = "orders", key: bytes | None = b"k", value: bytes | None = b"v", **more) -> Row:
    headers = wire.pack_headers(more.pop("headers", ()))
    size = len(headers) + len(key or b"") + len(value or b"")
    fields = {
        "shard": 3,
        "event_id": f"id-{id_}",
        "partition": None,
        "timestamp_ms": None,
        "raw": False,
        "receipt": False,
        **more,
    }
    return Row(id=id_, topic=topic, key=key, value=value, headers=headers, size_bytes=size, created_s=0.0, **fields)


def plan(*rows: Row, lanes: set[planning.Lane] | None = None) -> planning.Plan:
    topics = planning.Topics(partitions=PARTITIONS.get, limit_bytes=lambda topic: 100)
    numbering = Numbering({}, outbox="main", shard=3, epoch=1)
    return planning.plan(rows, topics=topics, numbering=numbering, lanes=lanes or set())


def test_an_event_gets_its_key_s_partition_its_id_and_a_number():
    (sent,) = plan(row(1, headers=[("a", b"1"), ("a", None)])).sends
    assert sent.partition == partition_for(b"k", 3)
    assert sent.headers == [("a", b"1"), ("a", None), (wire.EVENT_ID, b"id-1"), (wire.NUMBER, b"main/3/1/1")]


def test_a_raw_event_gets_nothing_and_keeps_partition_and_time():
    (sent,) = plan(row(1, raw=True, partition=2, timestamp_ms=5, headers=[("a", b"")])).sends
    assert (sent.partition, sent.timestamp_ms, sent.headers) == (2, 5, [("a", b"")])


def test_an_event_without_key_gets_the_same_partition_each_time():
    assert {plan(row(7, key=None)).sends[0].partition for _ in range(3)} <= {0, 1, 2}
    assert len({plan(row(7, key=None)).sends[0].partition for _ in range(3)}) == 1
    assert len({plan(row(n, key=None)).sends[0].partition for n in range(30)}) == 3


def test_an_unknown_topic_parks_the_key_and_what_follows_but_no_other():
    made = plan(
        row(1, topic="gone"),
        row(2, topic="gone"),
        row(3, topic="gone", key=b"other"),
        row(4),
        row(5, topic="gone", key=None),
        row(6, topic="gone", key=None),
    )
    assert [(park.row.id, park.code, park.behind) for park in made.parks] == [
        (1, "unknown_topic", False),
        (2, "behind", True),
        (3, "unknown_topic", False),
        (5, "unknown_topic", False),
        (6, "unknown_topic", False),
    ]
    assert [kept.id for kept in made.rows] == [4]
    assert made.closed == {("gone", b"k"), ("gone", b"other")}


def test_too_large_and_a_partition_that_does_not_exist_are_parked_with_the_reason():
    made = plan(row(1, value=b"x" * 101), row(2, key=b"b", partition=3))
    assert [park.reason for park in made.parks] == [
        "102 bytes, and topic orders takes 100",
        "partition 3 of topic orders, which has 3",
    ]


def test_a_closed_lane_parks_even_what_could_be_sent_and_other_topics_go_on():
    made = plan(row(1), row(2, topic="stock"), lanes={("orders", b"k")})
    assert [(park.row.id, park.behind) for park in made.parks] == [(1, True)]
    assert [kept.topic for kept in made.rows] == ["stock"]


def test_parked_events_take_no_number():
    made = plan(row(1, value=b"x" * 101, key=b"a"), row(2, key=b"b", partition=0), row(3, key=b"c", partition=0))
    assert [wire.last(sent.headers, wire.NUMBER) for sent in made.sends] == [b"main/3/1/1", b"main/3/1/2"]


def test_a_refused_event_with_a_receipt_is_not_kept_and_closes_no_lane():
    made = plan(row(1, value=b"x" * 101, receipt=True), row(2))
    assert [(park.row.id, park.kept) for park in made.parks] == [(1, False)]
    assert ([kept.id for kept in made.rows], made.closed) == ([2], set())


keys = st.sampled_from([None, b"a", b"b", b"c"])
events = st.lists(st.tuples(keys, st.sampled_from(["orders", "stock", "gone"]), st.integers(0, 120)), max_size=40)


@given(events)
def test_nothing_is_dropped_and_no_key_overtakes_itself(history):
    rows = [row(n, topic=topic, key=key, value=b"x" * size) for n, (key, topic, size) in enumerate(history)]
    made = plan(*rows)
    assert sorted([kept.id for kept in made.rows] + [park.row.id for park in made.parks]) == list(range(len(rows)))
    for lane in {(r.topic, r.key) for r in rows if r.key is not None}:
        sent = [kept.id for kept in made.rows if (kept.topic, kept.key) == lane]
        parked = [park.row.id for park in made.parks if (park.row.topic, park.row.key) == lane]
        assert sent == sorted(sent)
        assert not parked or not sent or max(sent) < min(parked)
        assert all(park.behind for park in made.parks if park.row.id in parked[1:])
