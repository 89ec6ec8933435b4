"""Circuit breakers that a fleet shares: ``breaker("payments")`` around calls, ``BreakerOpen`` for those not made."""

from __future__ import annotations

from reliability.breakers.domain.rules import Rules, WrongRules
from reliability.breakers.guard.errors import BreakerOpen
from reliability.breakers.registry import breaker

__all__ = ["BreakerOpen", "Rules", "WrongRules", "breaker"]
