"""What becomes of a record, by how its handler ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reliability.kafka.incoming import Incoming
from reliability.kafka.ports import Progress
from reliability.kafka.tries import HandlingPolicy
from reliability.kernel import wire
from reliability.kernel.errors import Permanent, Transient
from tests.unit.kafka.fakes import Away, Death, Refused, Store, handling, record

FIRST = "orders/0/0"


def raising(error: Exception) -> Callable[[Incoming], None]:
    def handler(one: Incoming) -> None:
        raise error

    return handler


def dying(one: Incoming) -> None:
    raise Death


def test_a_message_is_handled_once_whatever_is_delivered_again() -> None:
    store, handled = Store(), []
    work = handling(store, lambda one: handled.append(one.message_id))
    assert work([record(0)]) == Progress(done=1)
    assert work([record(0)]) == Progress(done=1)
    again = record(7, headers=[(wire.MESSAGE_ID, FIRST.encode()), (wire.ATTEMPT, b"9")])
    assert work([again]) == Progress(done=1)
    assert handled == [FIRST]
    assert store.seen == {FIRST: ("done", 1)}


def test_a_transient_failure_is_tried_again_in_place_with_growing_waits_then_given_up() -> None:
    store, handled = Store(), []

    def handler(one: Incoming) -> None:
        handled.append(one.message_id)
        raise Transient("the bank does not answer")

    work = handling(store, handler, policy=HandlingPolicy(blocking_retries=2, wait_base_s=0.2))
    assert [work([record(0)]) for _ in range(3)] == [
        Progress(done=0, wait_s=0.2, reason="try 1 failed: Transient"),
        Progress(done=0, wait_s=0.4, reason="try 2 failed: Transient"),
        Progress(done=1),
    ]
    assert handled == [FIRST] * 3
    [(message_id, failure)] = store.letters
    assert (message_id, failure.cause, failure.error_type) == (
        FIRST,
        "dependency",
        "reliability.kernel.errors.Transient",
    )
    assert failure.message == "the bank does not answer"
    assert "in handler" in failure.stack
    assert store.tries == [3], "the letter says how often it was tried, not how often it was delivered"
    assert store.seen == {FIRST: ("gave_up", 1)}


def test_tries_are_counted_per_record() -> None:
    store = Store()
    work = handling(store, raising(Transient("no")), policy=HandlingPolicy(blocking_retries=1))
    for offset in (0, 1):
        assert work([record(offset)]).done == 0
        assert work([record(offset)]).done == 1
    assert [message_id for message_id, _ in store.letters] == ["orders/0/0", "orders/0/1"]


def test_where_order_may_be_given_up_it_goes_through_the_retry_topics_then_gives_up() -> None:
    store = Store()
    tiers = {"orders.payments.retry.5": 0, "orders.payments.retry.30": 1}
    policy = HandlingPolicy(blocking_retries=0, retries=(5, 30))
    work = handling(store, raising(Transient("no")), tiers=tiers, policy=policy)
    assert work([record(0)]).done == 1
    assert store.seen == {FIRST: ("retrying", 1)}
    for attempt, topic in ((2, "orders.payments.retry.5"), (3, "orders.payments.retry.30")):
        headers = [(wire.MESSAGE_ID, FIRST.encode()), (wire.ATTEMPT, b"%d" % attempt)]
        assert work([record(attempt, topic=topic, headers=headers)]).done == 1
    assert [(message_id, attempt, delay) for message_id, attempt, delay, _ in store.retried] == [
        (FIRST, 2, 5),
        (FIRST, 3, 30),
    ]
    assert [message_id for message_id, _ in store.letters] == [FIRST]
    assert store.seen == {FIRST: ("gave_up", 3)}


def test_a_retry_topic_counts_on_from_the_tries_in_place() -> None:
    store = Store()
    policy = HandlingPolicy(blocking_retries=2, retries=(5,))
    work = handling(store, raising(Transient("no")), tiers={"orders.payments.retry.5": 0}, policy=policy)
    assert [work([record(0)]).done for _ in range(3)] == [0, 0, 1]
    headers = [(wire.MESSAGE_ID, FIRST.encode()), (wire.ATTEMPT, b"4")]
    retry = record(9, topic="orders.payments.retry.5", headers=headers)
    assert [work([retry]).done for _ in range(3)] == [0, 0, 1]
    assert [attempt for _, attempt, _, _ in store.retried] == [4]
    assert store.tries == [3, 3]
    assert store.seen == {FIRST: ("gave_up", 4)}


def test_a_try_that_killed_its_process_counts_too() -> None:
    store = Store()
    with pytest.raises(Death):
        handling(store, dying)([record(0)])
    handling(store, raising(Permanent("no")))([record(0)])
    assert store.tries == [2]


def test_a_replay_starts_with_the_first_retry_topic_again() -> None:
    store = Store()
    policy = HandlingPolicy(blocking_retries=0, retries=(5, 30))
    work = handling(store, raising(Transient("no")), policy=policy)
    work([record(0, headers=[(wire.ATTEMPT, b"4")])])
    assert [(attempt, delay) for _, attempt, delay, _ in store.retried] == [(5, 5)]


def test_what_the_retry_topic_cannot_take_becomes_a_letter() -> None:
    store = Store(takes_retries=False)
    policy = HandlingPolicy(blocking_retries=0, retries=(5,))
    assert handling(store, raising(Transient("no")), policy=policy)([record(0)]).done == 1
    assert store.seen == {FIRST: ("gave_up", 1)}


def test_a_permanent_failure_is_a_letter_at_once() -> None:
    class Malformed(Permanent):
        """Not what was promised."""

        cause = "format"

    store = Store()
    assert handling(store, raising(Malformed()))([record(0)]) == Progress(done=1)
    [(_, failure)] = store.letters
    assert (failure.cause, failure.message) == ("format", "Not what was promised.")


def test_a_permanent_failure_without_a_cause_of_its_own_leaves_it_to_the_reader() -> None:
    store = Store()
    handling(store, raising(Permanent("no such account")))([record(0)])
    assert store.letters[0][1].cause == "unknown"


def test_an_error_nobody_declared_is_tried_some_times_then_called_a_bug() -> None:
    store = Store()
    work = handling(store, raising(KeyError("total")), policy=HandlingPolicy(undeclared_retries=2, retries=(5,)))
    assert [work([record(0)]).done for _ in range(3)] == [0, 0, 1]
    [(_, failure)] = store.letters
    assert (failure.cause, failure.error_type) == ("bug", "KeyError")
    assert store.retried == [], "a bug is not cured by waiting"


def test_what_a_failed_handler_did_is_taken_back() -> None:
    store = Store()

    def handler(one: Incoming) -> None:
        store.effects.append("booked")
        raise Permanent("no")

    handling(store, handler)([record(0)])
    assert store.effects == []
    assert len(store.letters) == 1


def test_a_store_that_is_away_burns_no_try_and_counts_as_no_death() -> None:
    store = Store(away=True)
    work = handling(store, lambda one: store.effects.append("booked"))
    for _ in range(10):
        progress = work([record(0)])
        assert progress.done == 0
        assert progress.wait_s > 0
    store.away = False
    assert work([record(0)]) == Progress(done=1)
    assert (store.effects, store.letters) == (["booked"], [])


def test_a_store_that_goes_away_under_a_handler_burns_no_try_either() -> None:
    store = Store()

    def handler(one: Incoming) -> None:
        store.away = True
        raise Away

    work = handling(store, handler)
    for _ in range(10):
        store.away = False
        assert work([record(0)]).done == 0
    assert store.letters == []


def test_a_record_that_killed_its_consumer_is_given_up_without_being_handled() -> None:
    store = Store()
    for _ in range(3):  # three processes that died in the handler
        with pytest.raises(Death):
            handling(store, dying)([record(0)])
    handled: list[str] = []
    assert handling(store, lambda one: handled.append("handled"))([record(0)]) == Progress(done=1)
    assert handled == []
    [(_, failure)] = store.letters
    assert (failure.cause, failure.error_type) == ("resource", "reliability.kafka.failure.KilledTheConsumer")
    assert "killed the consumer 3 times" in failure.message
    assert store.tries == [3]


def test_failures_that_the_process_survives_are_no_deaths() -> None:
    store = Store()
    for _ in range(8):  # eight processes, each stopped in an orderly way while the record waits
        assert handling(store, raising(Transient("no")))([record(0)]).done == 0
    assert store.letters == []


def test_a_message_that_was_done_is_no_letter_however_often_its_process_died_afterwards() -> None:
    store = Store()
    for _ in range(6):  # each died after the transaction, before the offset was committed
        assert handling(store, lambda one: None)([record(0)]) == Progress(done=1)
    assert (store.letters, store.seen) == ([], {FIRST: ("done", 1)})


def test_a_record_for_another_group_is_passed_over() -> None:
    store, handled = Store(), []
    work = handling(store, lambda one: handled.append(one.record.offset))
    work([record(0, headers=[(wire.TARGET_GROUP, b"shipping")])])
    work([record(1, headers=[(wire.TARGET_GROUP, b"payments")])])
    assert handled == [1]
    assert list(store.seen) == ["orders/0/1"]


def test_headers_that_cannot_be_read_make_a_letter_not_a_guess() -> None:
    store, handled = Store(), []
    work = handling(store, lambda one: handled.append(one.message_id))
    assert work([record(0, unreadable=True)]) == Progress(done=1)
    assert handled == []
    assert store.letters[0][1].cause == "format"


def test_a_letter_that_cannot_be_written_stops_the_partition_rather_than_lose_the_record() -> None:
    store = Store(takes_letters=False)
    work = handling(store, raising(Permanent("no")))
    with pytest.raises(Refused):
        work([record(0)])
    store.takes_letters = True
    assert work([record(0)]) == Progress(done=1)
    assert len(store.letters) == 1


def test_several_records_share_one_unit() -> None:
    store, handled = Store(), []
    work = handling(store, lambda one: handled.append(one.record.offset))
    work([record(1)])
    assert work([record(offset) for offset in range(4)]) == Progress(done=4)
    assert handled == [1, 0, 2, 3]
    assert store.units == 2


def test_when_one_of_several_fails_the_others_are_handled_and_it_alone_is_given_up() -> None:
    store = Store()

    def handler(one: Incoming) -> None:
        store.effects.append(one.message_id)
        if one.record.offset == 2:
            raise Permanent("no")

    work = handling(store, handler)
    pending = [record(offset) for offset in range(5)]
    while pending:
        progress = work(pending)
        pending = pending[progress.done :]
    assert store.effects == [f"orders/0/{offset}" for offset in (0, 1, 3, 4)]
    assert [message_id for message_id, _ in store.letters] == ["orders/0/2"]


def test_when_one_of_several_kills_the_process_each_is_handled_alone_next_time() -> None:
    store = Store()

    def handler(one: Incoming) -> None:
        if one.record.offset == 2:
            raise Death
        store.effects.append(one.message_id)

    deaths, done = 0, 0
    while done < 4:
        work = handling(store, handler)
        try:
            while done < 4:
                done += work([record(offset) for offset in range(done, 4)]).done
        except Death:
            deaths += 1
    assert [message_id for message_id, _ in store.letters] == ["orders/0/2"]
    assert store.effects == ["orders/0/0", "orders/0/1", "orders/0/3"]
    assert deaths <= 3 + 3, "a death of the batch may be counted for each record before the guilty one"
