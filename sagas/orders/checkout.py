"""What the shop gives up while its payment service is down: a flag, and the policy that sets it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from reliability import access, degradation
from reliability.console.domain.conditions import Condition
from reliability.degradation.domain.policy import Policy
from reliability.degradation.models import Policy as Saved
from reliability.degradation.operations import deciding, policies
from reliability.degradation.operations.standing import Superseded
from sagas.orders.payments import payments

INVOICE_ONLY: Final = 1

checkout = degradation.declare(
    "checkout",
    title="Checkout",
    levels={"invoice only": "Nobody pays by card or wallet: new orders are paid by invoice."},
)

POLICY: Final = Policy(
    name="payments-are-down",
    flag=checkout.name,
    level=INVOICE_ONLY,
    conditions=(Condition(signal="breaker.state", subject=payments.name, enter=3, exit=0, exit_for_s=3),),
    dwell_s=10,
    flips_per_hour=30,
)
"""A demo's: it comes back soon, and may be tried often."""


def prepare(*, now: datetime) -> None:
    """Know the flag, and save its policy where nobody has one of this name."""
    deciding.known([checkout.declaration], now=now)
    if Saved.objects.filter(name=POLICY.name).exists():
        return  # it belongs to whoever changed it since; to try would leave a refusal on record at each start
    actor = access.system_actor("demo")
    try:
        policies.save(wanted=POLICY, is_on=True, reason="the demo begins with it", actor=actor, version=0, now=now)
    except Superseded:  # somebody was faster
        return
