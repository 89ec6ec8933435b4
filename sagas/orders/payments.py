"""The breaker around the payment service: it opens when the service is down, not when one provider is slow."""

from __future__ import annotations

from typing import Final

from reliability.breakers import Rules, breaker
from sagas.orders import queries
from sagas.orders.domain.faults import PAYMENTS_DOWN, PaymentServiceDown

RULES: Final = Rules(
    window_s=10, minimum=10, consecutive=3, quorum=1, open_s=5.0, open_max_s=20.0, permits=2, permit_s=5.0, ramp_s=12.0
)
"""A demo's: one call a second, and somebody who watches."""


def _answers() -> None:
    """Ask the payment service whether it is there; raises ``PaymentServiceDown``."""
    if queries.is_on(PAYMENTS_DOWN):
        raise PaymentServiceDown


payments = breaker("payments", rules=RULES, errors=(PaymentServiceDown,), probe=_answers)
