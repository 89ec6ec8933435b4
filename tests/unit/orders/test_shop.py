"""The demo's shop: its faults, its orders, its Spring-shaped dead letters."""

from __future__ import annotations

import struct
from itertools import islice

import pytest

from dlq.domain import classify, masking
from reliability.kernel.record import Record
from sagas.orders import handlers, invoicing
from sagas.orders.domain import faults, workload


def test_the_same_seed_gives_the_same_orders() -> None:
    assert list(islice(workload.orders(seed=7), 50)) == list(islice(workload.orders(seed=7), 50))


def test_a_minute_of_orders_meets_every_fault() -> None:
    minute = list(islice(workload.orders(seed=20_260), 60))
    assert any(order.provider == faults.FAILING_PROVIDER for order in minute)
    assert any(order.sku.startswith("gift-") for order in minute)
    assert any(order.country in faults.UNSERVED_COUNTRIES for order in minute)
    assert any(workload.malformed(number=number) for number in range(1, 61))
    assert any("," in workload.invoice_amount(cents=1250, number=number) for number in range(1, 61))


def test_no_event_of_the_shop_holds_what_would_have_to_be_masked() -> None:
    for order in islice(workload.orders(seed=20_260), 60):
        facts = order.facts()
        assert not any(masking.is_secret(name) for name in facts)
        assert masking.masked_text(str(facts)) == str(facts)


def test_only_the_failing_provider_fails_and_only_during_the_outage() -> None:
    with pytest.raises(faults.PaymentTimeout, match="did not answer"):
        faults.charge(provider="north-bank", number="ord-1-1", outage=True)
    assert faults.charge(provider="north-bank", number="ord-1-1", outage=False) == "north-bank-ord-1-1"
    assert faults.charge(provider="card", number="ord-1-1", outage=True) == "card-ord-1-1"


def test_the_gift_card_bug_is_a_bug_and_its_fix_a_fix() -> None:
    with pytest.raises(KeyError):
        faults.parcel_weight_grams(sku="gift-50", weights=workload.WEIGHTS_GRAMS, gift_cards_known=False)
    assert faults.parcel_weight_grams(sku="gift-50", weights=workload.WEIGHTS_GRAMS, gift_cards_known=True) == 0


@pytest.mark.parametrize("value", [None, b"", b"[]", b"{", b"\xff\xfe", workload.malformed(number=17)])
def test_what_is_no_order_event_is_called_malformed(value: bytes | None) -> None:
    with pytest.raises(faults.MalformedEvent):
        handlers.parse(value)


def test_the_advice_for_each_fault_is_what_its_switch_does() -> None:
    """A fault that ends with a deployed fix is a bug to wait for, one of a provider a dependency to wait for."""
    in_java = invoicing._EXCEPTION
    ends = {"payments_outage": ("PaymentTimeout", "dependency"), "stock_bug": ("KeyError", "bug")}
    ends |= {"invoicing_bug": (in_java, "bug"), faults.PAYMENT_TIMEOUTS: ("PaymentTimeout", "dependency")}
    of_sagas = {faults.STOCK_CONFLICTS, faults.PAYMENT_NEWS_LOST, faults.PAYMENT_NEWS_TWICE, faults.SLOW_CARRIER}
    of_sagas |= {faults.PAYMENT_DECLINED, faults.OTHER_AMOUNTS, faults.PAID_TWICE, faults.LATE_ANSWERS}
    of_sagas |= {faults.INVOICING_HANG, faults.INVOICING_STOPPED, faults.PAYMENTS_DOWN}
    assert ends.keys() == faults.FAULTS.keys() - of_sagas, "which make no letters"
    for name, (error_type, cause) in ends.items():
        assert classify.classify(error_type=error_type, message='For input string: "12,50"') == cause
        assert (faults.FAULTS[name].mended == "Fix deployed") == (cause == "bug")
        assert "replay the group" in classify.advice(cause).text


def test_the_other_team_writes_spring_headers_byte_for_byte() -> None:
    record = Record(
        topic="invoices.created", partition=2, offset=77, key=b"k", value=b'{"amount": "12,50"}', timestamp_ms=5
    )
    headers = dict(invoicing._spring_headers(record))
    assert headers["kafka_dlt-original-offset"] == struct.pack(">q", 77)
    assert headers["kafka_dlt-original-partition"] == struct.pack(">i", 2)
    assert b'"12,50"' in (headers["kafka_dlt-exception-message"] or b"")
