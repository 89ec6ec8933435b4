"""The shop's seeded faults: which work fails, how, and what switch ends it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reliability.kernel.errors import Permanent, Transient

PAYMENT_PROVIDERS: Final = ("card", "wallet", "north-bank")
FAILING_PROVIDER: Final = "north-bank"
INVOICE: Final = "invoice"
"""How an order is paid for without the payment service."""
UNSERVED_COUNTRIES: Final = ("AQ",)
INVOICING_HANG: Final = "invoicing_hang"
INVOICING_STOPPED: Final = "invoicing_stopped"
STOCK_CONFLICTS: Final = "stock_conflicts"
PAYMENT_NEWS_LOST: Final = "payment_news_lost"
PAYMENT_NEWS_TWICE: Final = "payment_news_twice"
PAYMENTS_DOWN: Final = "payments_down"
SLOW_CARRIER: Final = "slow_carrier"
PAYMENT_TIMEOUTS: Final = "payment_timeouts"
PAYMENT_DECLINED: Final = "payment_declined"
OTHER_AMOUNTS: Final = "other_amounts"
PAID_TWICE: Final = "paid_twice"
LATE_ANSWERS: Final = "late_answers"
CONTESTED_SKU: Final = "chair-ash"
LATE_S: Final = 60.0
"""How late the news of a payment are while answers are late: later than a saga waits for them."""
CYCLE: Final = 10
"""Of so many business orders each fault of the payment desk hits one, each another one; five go through untouched."""
_TURNS: Final[Mapping[int, str]] = {
    0: PAYMENT_NEWS_LOST,
    3: PAID_TWICE,
    4: OTHER_AMOUNTS,
    7: PAYMENT_TIMEOUTS,
    9: PAYMENT_DECLINED,
}
_BUSINESS_ORDER: Final = re.compile(r"biz-.+-([0-9]{1,18})")


class PaymentTimeout(Transient):
    """The payment provider did not answer within 3.0 s"""


class PaymentServiceDown(Transient):
    """The payment service refuses connections"""


class CountryNotServed(Permanent):
    """The carrier does not deliver to that country"""

    cause = "business"


class MalformedEvent(Permanent):
    """The event is not the JSON object that its topic promises"""

    cause = "format"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault of the demo that an operator can switch on and off."""

    name: str
    title: str
    broken: str
    """What happens while it is on, in words."""
    mended: str
    """What the switch to off is called."""
    working: str = "The fault is off: letters of it can be replayed now."
    """What happens while it is off, in words."""
    then: str = "Its letters wait on Dead letters: replay the group."
    """What comes after it was switched off, in words."""
    starts_on: bool = True
    """Whether it is on before anybody has switched it, so that the demo has something to show."""


FAULTS: Final[Mapping[str, Fault]] = {
    fault.name: fault
    for fault in (
        Fault(
            name="payments_outage",
            title="Payment provider north-bank",
            broken="Payments through north-bank time out; after two short retries each becomes a letter.",
            mended="Payments recovered",
        ),
        Fault(
            name=PAYMENTS_DOWN,
            title="The whole payment service",
            broken="It refuses every connection: its breaker opens, what depends on it pauses, hardly a letter comes.",
            mended="Payment service is back",
            working="It answers.",
            then="Its breaker tries some calls, lets traffic back in steps, and what waited goes through.",
            starts_on=False,
        ),
        Fault(
            name="stock_bug",
            title="Gift cards in the stock service",
            broken="Orders with a gift card hit a bug in the weight calculation; each becomes a letter.",
            mended="Fix deployed",
        ),
        Fault(
            name="invoicing_bug",
            title="Decimal commas in another team's invoicing",
            broken="Amounts such as 12,50 hit a bug in another team's code; it dead-letters them the way Spring does.",
            mended="Fix deployed",
        ),
        Fault(
            name=INVOICING_HANG,
            title="Another team's invoicing hangs",
            broken="Its consumer stays in the group and works off nothing: the group stalls, and its lag grows.",
            mended="Service restarted",
            working="It keeps up with one invoice a second; it could do four.",
            then="It catches up now: Consumer lag says until when.",
            starts_on=False,
        ),
        Fault(
            name=INVOICING_STOPPED,
            title="Another team's invoicing is stopped",
            broken="Its consumer left the group: nobody reads, its lag grows; Consumer lag can reset its offsets now.",
            mended="Service started",
            working="Its consumer is in its group.",
            then="It reads on from where the offsets of its group stand.",
            starts_on=False,
        ),
        Fault(
            name=STOCK_CONFLICTS,
            title="Stock conflicts of business orders",
            broken="Business orders of chairs find none left: what their sagas did is undone, and they are cancelled.",
            mended="Chairs delivered",
            working="Every article is there.",
            then="New business orders of chairs go through.",
        ),
        Fault(
            name=PAYMENT_NEWS_LOST,
            title="Lost news of payments",
            broken="Of ten business orders one is paid, and its saga never hears of it: it needs a person.",
            mended="News arrive again",
            working="Every payment is told.",
            then="Those that wait already stay on Sagas: say there that it happened, or undo them.",
        ),
        Fault(
            name=PAYMENT_NEWS_TWICE,
            title="News of payments twice",
            broken="Each payment is told twice; the second news changes nothing.",
            mended="Told once again",
            working="Each payment is told once.",
            then="Nothing is left of it: the second news were passed over.",
            starts_on=False,
        ),
        Fault(
            name=PAYMENT_TIMEOUTS,
            title="Time-outs of the payment desk",
            broken="Of ten business orders one cannot be charged: its request becomes a letter, its saga waits.",
            mended="Desk recovered",
            then="Its letters wait on Dead letters: replay the group, or let Reconcile ask for the payments again.",
        ),
        Fault(
            name=PAYMENT_DECLINED,
            title="Declined payments",
            broken="Of ten business orders one is not charged: the desk writes it down as failed and tells nobody.",
            mended="Cards accepted again",
            working="No payment is declined.",
            then="What failed stays failed until somebody asks for the payment again, or cancels the order.",
        ),
        Fault(
            name=OTHER_AMOUNTS,
            title="Other amounts than asked for",
            broken="From one of ten business orders the desk takes 10 % more, and tells the amount that was asked for.",
            mended="Amounts corrected",
            working="The desk takes what it is asked for.",
            then="What was taken too much stays until it is given back: only the payments' ledger shows it.",
        ),
        Fault(
            name=PAID_TWICE,
            title="Orders charged twice",
            broken="Of ten business orders one is charged twice, under two references; the first is told.",
            mended="Charged once again",
            working="Each order is charged once.",
            then="What was taken twice stays until it is given back: only the payments' ledger shows it.",
        ),
        Fault(
            name=LATE_ANSWERS,
            title="Late news of payments",
            broken="The news of a payment come after a minute, longer than its saga waits; it goes on when they come.",
            mended="News in time again",
            working="Each payment is told at once.",
            then="News under way still come within a minute.",
            starts_on=False,
        ),
        Fault(
            name=SLOW_CARRIER,
            title="Slow carrier",
            broken="The carrier books at once and answers too late: sagas ask it what happened, and go on.",
            mended="Carrier answers again",
            working="The carrier answers at once.",
            then="Nothing is left of it: no order was booked twice.",
            starts_on=False,
        ),
    )
}


def hit_of(number: str) -> str | None:
    """Return the fault of the payment desk that hits this order while it is on; None: none does, whatever is on."""
    found = _BUSINESS_ORDER.fullmatch(number)
    return _TURNS.get(int(found[1]) % CYCLE) if found else None


def charge(*, provider: str, number: str, outage: bool, down: bool = False) -> str:
    """Return the provider's reference for charging an order; raise ``PaymentTimeout`` while the failing one is down,
    ``PaymentServiceDown`` while all are."""
    if down:
        raise PaymentServiceDown
    if outage and provider == FAILING_PROVIDER:
        raise PaymentTimeout
    return _reference(provider, number)


def collect(*, provider: str, number: str, times_out: bool) -> str:
    """Do the same at the payment desk, whose provider is another fault, and another failure among the letters."""
    if times_out:
        raise PaymentTimeout
    return _reference(provider, number)


def second_reference(reference: str) -> str:
    """Return the reference of the second charge of an order that is charged twice."""
    return f"{reference}-2"


def _reference(provider: str, number: str) -> str:
    """The same for the same order, however often it is asked for: who knows it charges once."""
    return f"{provider}-{number}"


def parcel_weight_grams(*, sku: str, weights: Mapping[str, int], gift_cards_known: bool) -> int:
    """Return the weight of one article. The demo's bug: a gift card has no entry, and nobody thought of it."""
    if gift_cards_known and sku.startswith("gift-"):
        return 0
    return weights[sku]


def choose_carrier(*, country: str) -> str:
    """Return the carrier for a country; raise ``CountryNotServed`` where none goes."""
    if country in UNSERVED_COUNTRIES:
        raise CountryNotServed(f"no carrier delivers to {country}")
    return "road" if country in ("DE", "AT", "FR") else "air"
