"""What a replay sends: which letters, which bytes, where to, in which order, how fast."""

from __future__ import annotations

from dlq.models import Letter, LetterGroup, ReplayItem
from dlq.operations import outcomes
from outbox.models import Event
from reliability.kafka import clusters
from reliability.kafka.incoming import ATTEMPT_MAX
from reliability.kernel import wire
from reliability.kernel.record import Header, Record, TopicPartition
from tests.support.letters import headers, record, store
from tests.support.replays import World, counted, states


def topic_records(topic: str) -> list[Record]:
    admin, reader = clusters.admin(), clusters.reader(client_id="test")
    found = []
    for partition in range(admin.topics()[topic]):
        place = TopicPartition(topic, partition)
        found += list(reader.read(place, 0, admin.end_offsets([place]).get(place, 0), deadline_s=5))
    return found


def test_it_sends_each_letter_once_in_canaries_and_then_at_its_rate(world: World) -> None:
    letters = world.letters(300)
    run = world.approve(*letters, rate=50)
    assert counted(run) == {"planned": 300}
    fed = []
    while counted(run).get("planned"):
        world.advance(1)
        fed.append(world.feed(run))
        world.relay()
        outcomes.take_receipts(now=world.now)
        assert states(run) == counted(run)
    assert [count for count in fed if count][:4] == [1, 5, 20, 100]
    assert max(fed) <= 100  # two seconds of its rate
    assert {bytes(event.key) for event in Event.objects.all()} == {b"k%d" % at for at in range(7)}
    assert ReplayItem.objects.filter(replay=run, state="sent", sent_at__isnull=False).count() == 300
    assert len({(item.sent_partition, item.sent_offset) for item in run.items.all()}) == 300


def test_it_sends_the_exact_bytes_less_the_failures_headers_plus_the_lineage(world: World) -> None:
    own: tuple[Header, ...] = (("x", b"1"), ("x", None), ("x", b""), ("binary", b"\x00\xff"), ("traceparent", b"t"))
    store(
        record(0, key=b"\x00\xfe", value=None, extra=own),
        record(1, key=b"", value=b"", extra=(("mainstay-event-id", b"e-1"), ("mainstay-replay", b"8/9"))),
        record(2, key=None, value=b"\xff" * 10),
    )
    run = world.approve(*Letter.objects.order_by("origin_offset"))
    world.send_all(run)
    first, second, third = sorted(topic_records("orders"), key=lambda sent: wire.last(sent.headers, wire.REPLAY) or b"")
    item = run.items.get(position=1)
    assert (first.key, first.value, first.timestamp_ms) == (b"\x00\xfe", None, 1_795_000_000_000)
    assert first.headers == (
        *own,
        ("mainstay-message-id", b"orders/0/0"),
        ("mainstay-attempt", b"4"),
        ("mainstay-replay", f"{run.pk}/{item.pk}".encode()),
    )
    assert (second.key, second.value) == (b"", b"")
    assert second.headers[:2] == (("mainstay-event-id", b"e-1"), ("mainstay-message-id", b"e-1"))
    assert [name for name, _ in second.headers].count("mainstay-replay") == 1
    assert (third.key, third.value) == (None, b"\xff" * 10)


def test_it_strips_the_retry_budget_of_spring(world: World) -> None:
    told: tuple[Header, ...] = (
        ("__TypeId__", b"Order"),
        ("retry_topic-attempts", (4).to_bytes(4, "big")),
        ("retry_topic-original-timestamp", (1_795_000_000_000).to_bytes(6, "big")),
        ("kafka_original-topic", b"orders"),
        ("kafka_original-partition", (2).to_bytes(4, "big")),
        ("kafka_original-offset", (7).to_bytes(8, "big")),
        ("kafka_exception-fqcn", b"com.shop.Boom"),
        ("kafka_dlt-original-consumer-group", b"billing"),
        ("kept", b"1"),
    )
    store(record(0, topic="orders-dlt", told=told))
    run = world.approve(Letter.objects.get())
    world.send_all(run)
    (sent,) = topic_records("orders")
    assert [name for name, _ in sent.headers] == [
        "__TypeId__", "kept", "mainstay-message-id", "mainstay-attempt", "mainstay-replay",
    ]  # fmt: skip
    assert (sent.partition, wire.last(sent.headers, wire.ATTEMPT)) == (2, b"5")


def test_it_keeps_the_partition_until_the_topic_has_another_number_of_them(world: World) -> None:
    (before,) = world.letters(1, origin_partition=3, key=b"k")
    run = world.approve(before)
    world.send_all(run)
    assert run.items.get().sent_partition == 3
    (kept,) = world.letters(1, start=10, origin_partition=3, key=b"k")
    clusters.admin().delete_topic("orders")
    world.create("orders", partitions=8)
    world.advance(60)
    again = world.approve(kept)
    assert [each["code"] for each in again.plan.warnings] == ["partition-changed", "no-inbox"]
    world.feed(again)
    assert Event.objects.order_by("-id")[0].partition is None


def test_it_sends_per_key_in_the_order_of_the_origin_whatever_the_order_of_arrival(world: World) -> None:
    store(*[record(at, origin_offset=50 - at, key=b"one") for at in range(20)])
    run = world.approve(*Letter.objects.all())
    world.send_all(run)
    origins = [item.letter.origin_offset for item in run.items.order_by("sent_offset")]
    assert origins == sorted(origins)


def test_a_letter_that_failed_again_keeps_its_place_before_younger_ones(world: World) -> None:
    older, younger = world.letters(2, key=b"one")
    first = world.approve(older)
    world.send_all(first)
    item = first.items.get()
    store(record(90, key=b"one", origin_offset=item.sent_offset, attempts=4), now=world.now)
    outcomes.settle_sent(now=world.now)
    item.refresh_from_db()
    assert item.state == "failed_again"
    second = world.approve(younger, item.new_letter)
    assert [each.letter for each in second.items.order_by("position")] == [item.new_letter, younger]


def test_another_topic_and_only_the_group_that_failed(world: World) -> None:
    world.create("repair", partitions=1)
    one, two = world.letters(2)
    elsewhere = world.approve(one, target={"kind": "topic", "topic": "repair"})
    world.send_all(elsewhere)
    assert len(topic_records("repair")) == 1
    assert counted(elsewhere) == {"sent": 1}
    only = world.approve(two, target="group")
    world.send_all(only)
    (sent,) = topic_records("orders")
    assert wire.last(sent.headers, wire.TARGET_GROUP) == b"billing"


def test_duplicates_of_one_failure_are_sent_once_and_leave_with_their_leader(world: World) -> None:
    store(record(0), record(1, origin_offset=0), now=world.now)
    assert LetterGroup.objects.get().duplicate_count == 1
    follower = Letter.objects.get(duplicate_of__isnull=False)
    run = world.approve(follower)
    assert (run.total, run.items.get().letter_id) == (1, follower.duplicate_of_id)
    assert run.plan.counts["duplicates"] == 1


def test_letters_whose_headers_are_lost_are_sent_without_them_only_when_asked_for(world: World) -> None:
    store(record(0, told=headers()), now=world.now)
    Letter.objects.update(headers_unreadable=True, headers=b"")
    letter = Letter.objects.get()
    run = world.approve(letter, include=["headers_unreadable"])
    world.send_all(run)
    (sent,) = topic_records("orders")
    assert [name for name, _ in sent.headers] == ["mainstay-message-id", "mainstay-attempt", "mainstay-replay"]


def test_what_the_outbox_can_never_take_is_cancelled_with_the_reason_and_the_rest_goes_on(world: World) -> None:
    letters = world.letters(3)
    run = world.approve(*letters)
    Letter.objects.filter(pk=letters[1].pk).update(value=b"x" * 1_100_000)
    world.send_all(run)
    assert states(run) == counted(run) == {"cancelled": 1, "sent": 2}
    refused = run.items.get(state="cancelled")
    assert refused.refused
    assert "1,000,000" in refused.error
    letters[1].refresh_from_db()
    assert letters[1].state == "open"


def test_it_never_holds_more_than_sixteen_megabytes_of_letters(world: World) -> None:
    letters = world.letters(8)
    Letter.objects.update(value=b"x" * 900_000, value_size=900_000)
    run = world.approve(*letters)
    run.ramp_step = 4
    run.credit = 100
    run.save()
    import dlq.operations.replays.feeding as feeding

    feeding.BYTES_PER_FEED_MAX, before = 2_000_000, feeding.BYTES_PER_FEED_MAX
    try:
        world.advance(5)
        assert world.feed(run) == 2
    finally:
        feeding.BYTES_PER_FEED_MAX = before


def test_a_letter_with_the_largest_attempt_there_is_takes_no_plan_down(world: World) -> None:
    poison, other = world.letters(2)
    Letter.objects.filter(pk=poison.pk).update(attempt=2**31 - 1)
    run = world.approve(poison, other)
    attempts = dict(run.items.values_list("letter", "attempt"))
    assert attempts == {poison.pk: ATTEMPT_MAX, other.pk: 4}
    world.send_all(run)
    assert counted(run) == {"sent": 2}
