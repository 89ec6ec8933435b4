"""Bringing an order from one state to the next: the only place that changes an order's state."""

from __future__ import annotations

from datetime import datetime

from reliability.kernel.errors import Permanent
from sagas.orders import models
from sagas.orders.domain import states
from sagas.orders.domain.states import OrderState


class OrderCancelled(Permanent):
    """The order was cancelled: nothing more is done for it"""

    cause = "business"


def move(*, number: str, to: OrderState, now: datetime) -> bool:
    """Bring an order to a state, inside the caller's transaction; return whether that changed anything.

    An order that is there already, or beyond, stays as it is. Raises ``OrderCancelled`` for a cancelled order, unless
    it is to be cancelled. The row stays locked until the transaction ends: who moves it next sees what came of it.
    """
    found = models.Order.objects.filter(number=number, state__in=states.before(to))
    if found.update(state=to, state_changed_at=now):
        return True
    if to is not OrderState.CANCELLED:
        refuse_cancelled(number=number)
    return False


def refuse_cancelled(*, number: str) -> None:
    """Raise ``OrderCancelled`` if the order is cancelled."""
    if models.Order.objects.filter(number=number, state=OrderState.CANCELLED).exists():
        raise OrderCancelled(f"order {number} was cancelled")
