"""A seeded stream of orders: the same seed gives the same demo."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from random import Random
from typing import Final

from sagas.orders.domain.faults import PAYMENT_PROVIDERS

INVOICES_CREATED: Final = "invoices.created"
INVOICING: Final = "invoicing"
"""The consumer group of another team."""
WEIGHTS_GRAMS: Final = {"mug-blue": 340, "lamp-oak": 1800, "notebook-a5": 210, "chair-ash": 6400}
PRICES_CENTS: Final = {"mug-blue": 1250, "lamp-oak": 8900, "notebook-a5": 690, "chair-ash": 14900, "gift-50": 5000}
COUNTRIES: Final = ("DE", "DE", "FR", "AT", "US", "US", "GB", "AQ")
MALFORMED_EVERY: Final = 17
GIFT_CARD_EVERY: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order as it is placed."""

    sku: str
    amount_cents: int
    currency: str
    provider: str
    country: str

    def facts(self) -> dict[str, object]:
        """Return the order as the fields of its event."""
        return asdict(self)


def orders(*, seed: int) -> Iterator[NewOrder]:
    """Yield orders without end: every ninth a gift card, the rest at random from the shop's shelves."""
    random = Random(seed)  # noqa: S311 - a demo's dice, no secret
    number = 0
    while True:
        number += 1
        sku = "gift-50" if number % GIFT_CARD_EVERY == 0 else random.choice(sorted(WEIGHTS_GRAMS))
        yield NewOrder(
            sku=sku,
            amount_cents=PRICES_CENTS[sku],
            currency="EUR",
            provider=random.choice(PAYMENT_PROVIDERS),
            country=random.choice(COUNTRIES),
        )


def malformed(*, number: int) -> bytes | None:
    """Return the broken bytes that a legacy writer sends beside order ``number``, for every seventeenth order."""
    if number % MALFORMED_EVERY:
        return None
    return (b'{"order_id": "ord-', b"\xff\xfe\x00o\x00r\x00d", b"order_id;amount\n17;12.50")[
        number // MALFORMED_EVERY % 3
    ]


def invoice_amount(*, cents: int, number: int) -> str:
    """Return an amount the way the other team's writers do: every fifth with a decimal comma."""
    return f"{cents // 100}{',' if number % 5 == 0 else '.'}{cents % 100:02d}"
