"""Once per consumer and message, in PostgreSQL."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError, ProgrammingError, connection, transaction

from outbox import inbox, queries
from outbox.consume.admission import Contended, InboxAdmission
from outbox.inbox import Delivery
from outbox.operations import retention
from reliability.kafka import incoming
from reliability.kernel.record import Record, TopicPartition

HERE = TopicPartition("orders", 0)


@pytest.mark.django_db
def test_a_message_is_admitted_once_per_consumer() -> None:
    assert inbox.once("payments", "m-1")
    assert not inbox.once("payments", "m-1")
    assert not inbox.once("payments", "m-1", attempt=99), "what is done stays done"
    assert inbox.once("shipping", "m-1")
    assert inbox.once("payments", "m-2")


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_it_refuses() -> None:
    with pytest.raises(inbox.NotInTransaction):
        inbox.once("payments", "m-1")


@pytest.mark.django_db(transaction=True)
def test_work_that_is_rolled_back_may_come_again() -> None:
    with transaction.atomic():
        assert inbox.once("payments", "m-1")
        transaction.set_rollback(True)
    with transaction.atomic():
        assert inbox.once("payments", "m-1")


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["gave_up", "retrying"])
def test_what_was_not_done_is_admitted_at_a_later_attempt_only(state: str) -> None:
    assert inbox.once("payments", "m-1", attempt=2)
    inbox.settle("payments", "m-1", state)
    assert not inbox.once("payments", "m-1", attempt=1)
    assert not inbox.once("payments", "m-1", attempt=2)
    assert queries.inbox_states("payments", ["m-1"])["m-1"].state == state
    assert inbox.once("payments", "m-1", attempt=3)
    row = queries.inbox_states("payments", ["m-1"])["m-1"]
    assert (row.state, row.attempt) == ("done", 3)


@pytest.mark.django_db
def test_many_are_answered_in_their_order_and_equal_ones_once() -> None:
    inbox.once("payments", "seen")
    batch = [Delivery("b"), Delivery("seen"), Delivery("a"), Delivery("b", 7), Delivery("c")]
    assert inbox.admit("payments", batch) == [True, False, True, False, True]
    assert inbox.admit("payments", []) == []
    assert queries.inbox_states("payments", ["a", "b", "absent"]).keys() == {"a", "b"}


@pytest.mark.django_db
@pytest.mark.parametrize("message_id", ["with \x00 NUL", "\ud800", "<b>" + "x" * 100_000, "", "\u202e"])
def test_any_text_can_be_an_id(message_id: str) -> None:
    assert inbox.once("payments", message_id)
    assert not inbox.once("payments", message_id)
    assert queries.inbox_states("payments", [message_id])[message_id].state == "done"


@pytest.mark.django_db
def test_a_consumer_and_an_id_are_no_other_consumer_and_id() -> None:
    assert inbox.once("ab", "c")
    assert inbox.once("a", "bc")


@pytest.mark.django_db(transaction=True)
def test_a_second_transaction_waits_for_the_first_and_is_refused() -> None:
    answers: list[bool] = []

    def second() -> None:
        try:
            with transaction.atomic():
                answers.append(inbox.once("payments", "m-1"))
        finally:
            connection.close()

    with transaction.atomic():
        assert inbox.once("payments", "m-1")
        other = threading.Thread(target=second)
        other.start()
        other.join(0.3)
        assert answers == [], "it waits"
    other.join(10)
    assert answers == [False]


@pytest.mark.django_db(transaction=True)
def test_two_consumers_of_the_same_ids_in_other_orders_do_not_wait_in_a_ring() -> None:
    ids = [f"m-{number}" for number in range(200)]
    both = threading.Barrier(2)
    admitted: list[int] = []

    def admit(order: list[str]) -> None:
        try:
            for start in range(0, 200, 20):
                with transaction.atomic():
                    both.wait(10)
                    page = [Delivery(message_id) for message_id in order[start : start + 20]]
                    admitted.append(sum(inbox.admit("payments", page)))
        finally:
            connection.close()

    threads = [threading.Thread(target=admit, args=[order]) for order in (ids, ids[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(admitted) == 200
    assert len(admitted) == 20


@pytest.mark.django_db
def test_the_sweep_takes_what_is_done_and_old_and_nothing_else() -> None:
    inbox.admit("payments", [Delivery(f"old-{number}") for number in range(5)])
    inbox.settle("payments", "old-0", "gave_up")
    inbox.settle("payments", "old-1", "retrying")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE outbox_inbox SET at = at - interval '30 days'")
    inbox.once("payments", "new")
    assert retention.sweep() == 3
    assert retention.sweep() == 0
    left = queries.inbox_states("payments", ["new", *(f"old-{number}" for number in range(5))])
    assert left.keys() == {"new", "old-0", "old-1"}


@pytest.mark.django_db(transaction=True)
def test_starts_that_never_ended_are_counted_per_record() -> None:
    assert [inbox.begin("payments", HERE, 5) for _ in range(3)] == [1, 2, 3]
    inbox.end("payments", HERE, 5)
    assert inbox.begin("payments", HERE, 5) == 3
    assert inbox.begin("payments", TopicPartition("orders", 1), 5) == 1
    assert inbox.begin("shipping", HERE, 5) == 1
    assert inbox.begin("payments", HERE, 6) == 1
    inbox.end("payments", HERE, 5)
    assert inbox.begin("payments", HERE, 6) == 2


@pytest.mark.django_db(transaction=True)
def test_the_note_of_a_start_leaves_the_next_transaction_as_safe_as_it_was() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = on")  # the tests' own server may have it off
        inbox.begin("payments", HERE, 1)
        cursor.execute("SHOW synchronous_commit")
        shown = cursor.fetchone()
        cursor.execute("RESET synchronous_commit")
    assert shown == ("on",)


def in_a_unit(statement: str) -> None:
    with InboxAdmission("payments").unit(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_is_the_stores_fault_and_the_next_unit_has_another() -> None:
    admission = InboxAdmission("payments")
    with pytest.raises(OperationalError) as lost:
        in_a_unit("SELECT pg_terminate_backend(pg_backend_pid())")
    assert admission.is_away(lost.value)
    one = incoming.incoming(Record(topic="orders", partition=0, offset=1, key=None, value=None))
    with admission.unit():
        assert admission.admit([one]) == [True]


@pytest.mark.django_db(transaction=True)
def test_a_statement_that_waited_too_long_is_worth_another_try_and_a_bug_is_a_bug() -> None:
    admission = InboxAdmission("payments")
    with pytest.raises(Contended) as contended:
        in_a_unit("SET LOCAL statement_timeout = '50ms'; SELECT pg_sleep(5)")
    assert not admission.is_away(contended.value)
    with pytest.raises(ProgrammingError) as bug:
        in_a_unit("SELECT nothing_like_this")
    assert not admission.is_away(bug.value)


@pytest.mark.django_db
def test_a_recreated_topics_coordinates_are_forgotten_and_ids_are_not() -> None:
    assert inbox.meet("payments", topic="orders", topic_id="first") == 0
    inbox.admit("payments", [Delivery("orders/0/1"), Delivery("orders/1/1"), Delivery("orders-2/0/1"), Delivery("m-1")])
    inbox.once("shipping", "orders/0/1")
    assert inbox.meet("payments", topic="orders", topic_id="first") == 0
    assert inbox.meet("payments", topic="orders", topic_id="second") == 2
    assert inbox.once("payments", "orders/0/1")
    assert not inbox.once("payments", "orders-2/0/1")
    assert not inbox.once("payments", "m-1")
    assert not inbox.once("shipping", "orders/0/1")
