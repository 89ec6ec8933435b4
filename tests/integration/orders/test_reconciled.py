"""Business orders against the ledger: every way to differ is found, repaired by what is proposed, and seen to agree."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sagas.domain.reconciling.finding import State
from sagas.models import Finding
from sagas.operations.reconciling import repairing
from sagas.orders import models
from sagas.orders.domain import faults
from sagas.orders.domain.states import OrderState
from sagas.orders.reconciliations import orders_against_payments as defined
from sagas.reconciler import keys, policies
from tests.integration.orders import selling
from tests.integration.orders.selling import DECLINED, LOST, OTHER, TIMEOUT, TWICE, entries, state_of, switch
from tests.integration.orders.test_business_orders import deliver, place, saga
from tests.support import actors, outbox, sagas

pytestmark = pytest.mark.django_db(transaction=True)
WHILE = timedelta(minutes=5)


@pytest.fixture(autouse=True)
def _all_works() -> None:
    outbox.empty()
    selling.mend()


def sold(number: str, fault: str) -> set[int]:
    """An order that a fault has hit, some minutes ago; return the events that were delivered."""
    switch(fault, on=True)
    seen: set[int] = set()
    place(number)
    try:
        deliver(seen)
    except faults.PaymentTimeout:
        seen |= set(selling.Event.objects.values_list("pk", flat=True))  # what a dead letter is made of
    selling.mend()
    for row in (*models.Order.objects.all(), *models.Payment.objects.all()):
        for name in ("placed_at", "state_changed_at", "captured_at"):
            if hasattr(row, name):
                setattr(row, name, getattr(row, name) - WHILE)
        row.save()
    return seen


def found(number: str) -> Finding:
    keys.look(defined, [number])
    return Finding.objects.get(key=number)


def repaired(number: str, name: str, seen: set[int]) -> Finding:
    """Apply the repair that was looked at, and let everybody do their work."""
    actor = actors.actor()
    finding = Finding.objects.get(key=number)
    look = repairing.look(finding.id, repair=name, actor=actor)
    assert look.proposal is not None, look.refusal
    assert look.refusal == ""
    repairing.apply(finding.id, repair=name, plan_hash=look.proposal.hash, actor=actor, reason="looked at the ledger")
    sagas.run()
    deliver(seen)
    return found(number)


@pytest.mark.parametrize(
    ("number", "fault", "difference", "repair", "state", "ledger"),
    [
        (LOST, faults.PAYMENT_NEWS_LOST, "not_marked", "mark_paid", "shipped", [("card-{}", "completed", 1250, 0)]),
        (TIMEOUT, faults.PAYMENT_TIMEOUTS, "no_payment", "ask_again", "shipped", [("card-{}", "completed", 1250, 0)]),
        (TIMEOUT, faults.PAYMENT_TIMEOUTS, "no_payment", "cancel", "cancelled", []),
        (DECLINED, faults.PAYMENT_DECLINED, "payment_failed", "cancel", "cancelled", [("card-{}", "failed", 1250, 0)]),
        (
            DECLINED,
            faults.PAYMENT_DECLINED,
            "payment_failed",
            "ask_again",
            "shipped",
            [("card-{}", "completed", 1250, 0)],
        ),
        (
            OTHER,
            faults.OTHER_AMOUNTS,
            "other_amount",
            "refund_difference",
            "shipped",
            [("card-{}", "completed", 1375, 125)],
        ),
        (
            TWICE,
            faults.PAID_TWICE,
            "paid_twice",
            "refund_later",
            "shipped",
            [("card-{}", "completed", 1250, 0), ("card-{}-2", "refunded", 1250, 1250)],
        ),
    ],
)
def test_each_difference_is_found_repaired_and_agrees(
    number: str, fault: str, difference: str, repair: str, state: str, ledger: list[tuple[str, str, int, int]]
) -> None:
    seen = sold(number, fault)
    finding = found(number)
    assert (finding.state, finding.difference) == (State.OPEN, difference)
    after = repaired(number, repair, seen)
    assert (after.state, state_of(number)) == (State.CLOSED, state), after.why
    assert entries(number) == [(reference.format(number), *rest) for reference, *rest in ledger]


def test_an_order_that_goes_well_is_no_finding() -> None:
    place()
    deliver()
    keys.look(defined, [selling.UNTOUCHED])
    assert not Finding.objects.exists()


def test_an_order_is_not_open_before_its_grace_is_over() -> None:
    place(TIMEOUT)
    assert found(TIMEOUT).state == State.WATCHED


def test_a_repair_that_is_replayed_with_its_letter_charges_once() -> None:
    seen = sold(TIMEOUT, faults.PAYMENT_TIMEOUTS)
    found(TIMEOUT)
    repaired(TIMEOUT, "ask_again", seen)
    selling.asked(TIMEOUT)
    assert entries(TIMEOUT) == [(f"card-{TIMEOUT}", "completed", 1250, 0)]


def test_money_of_a_cancelled_order_is_given_back_by_rule() -> None:
    number = selling.UNTOUCHED
    selling.order(number, state=OrderState.CANCELLED)
    selling.asked(number)
    assert found(number).difference == "cancelled_and_kept"
    assert policies.step(defined) == 1
    deliver()
    assert entries(number) == [(f"card-{number}", "refunded", 1250, 1250)]
    assert found(number).state == State.CLOSED


def test_what_was_served_and_never_paid_is_left_to_a_person() -> None:
    number = selling.UNTOUCHED
    selling.order(number, state=OrderState.SHIPPED)
    finding = found(number)
    assert (finding.state, finding.difference) == (State.OPEN, "not_paid")
    look = repairing.look(finding.id, actor=actors.actor())
    assert "it has none" in look.refusal


def test_ended_sagas_are_looked_at_at_once() -> None:
    from sagas.models import Touched

    place()
    deliver()
    assert Touched.objects.get().key == selling.UNTOUCHED
    assert saga().status == "completed"


@pytest.mark.parametrize(
    ("number", "fault", "repair", "given"),
    [
        (OTHER, faults.OTHER_AMOUNTS, "refund_difference", 125),
        (TWICE, faults.PAID_TWICE, "refund_later", 1250),
    ],
)
def test_a_repair_that_is_tried_again_while_the_first_is_on_its_way_gives_back_once(
    number: str, fault: str, repair: str, given: int
) -> None:
    seen = sold(number, fault)
    actor = actors.actor()
    for _ in range(2):
        finding = found(number)
        assert finding.state == State.OPEN
        look = repairing.look(finding.id, repair=repair, actor=actor)
        assert look.proposal is not None
        repairing.apply(finding.id, repair=repair, plan_hash=look.proposal.hash, actor=actor, reason="slow today")
        Finding.objects.update(patient_until=finding.first_at)  # nothing was delivered in its time
    deliver(seen)
    assert sum(refunded for *_, refunded in entries(number)) == given
    assert found(number).state == State.CLOSED


def test_the_order_that_is_typed_whole_comes_first_in_a_search() -> None:
    from sagas.orders import queries

    for number in ("biz-7-1", *(f"biz-7-1{each}" for each in range(12))):
        selling.order(number)
    assert queries.orders_beginning("biz-7-1", limit=10)[0].number == "biz-7-1"
    assert len(queries.orders_beginning("biz-7-1", limit=10)) == 10
