"""Which topics a consumer reads and writes."""

from __future__ import annotations

from outbox.consume.plan import TopicPlan
from tests.unit.kafka.fakes import record

PLAN = TopicPlan("payments", ("orders", "refunds"), (5, 30))


def test_it_subscribes_to_its_topics_and_their_retry_topics() -> None:
    assert PLAN.consumed == [
        "orders",
        "refunds",
        "orders.payments.retry.5",
        "orders.payments.retry.30",
        "refunds.payments.retry.5",
        "refunds.payments.retry.30",
    ]
    assert PLAN.created_for("orders") == ["orders.payments.retry.5", "orders.payments.retry.30", "orders.payments.dlq"]


def test_a_retry_topic_knows_its_place_and_its_own_topic() -> None:
    assert (PLAN.place("orders.payments.retry.30"), PLAN.own_topic("orders.payments.retry.30")) == (1, "orders")
    assert (PLAN.place("orders"), PLAN.own_topic("orders")) == (None, "orders")


def test_a_record_waits_for_its_delay_and_never_longer() -> None:
    waiting = record(topic="orders.payments.retry.30")  # written at 1,000 ms
    assert PLAN.due_s(waiting, now_ms=1_000) == 30.0
    assert PLAN.due_s(waiting, now_ms=21_000) == 10.0
    assert PLAN.due_s(waiting, now_ms=31_001) < 0
    assert PLAN.due_s(waiting, now_ms=-500_000) == 30.0
    assert PLAN.due_s(record(topic="orders"), now_ms=0) == 0.0
