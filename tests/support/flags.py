"""Flags with levels, policies and readers, as a person finds them."""

from __future__ import annotations

from datetime import timedelta

from reliability import access
from reliability.access import Role
from reliability.console.domain.conditions import Condition
from reliability.console.domain.values import Sample
from reliability.console.registry import Signal
from reliability.degradation.domain.flags import declared
from reliability.degradation.domain.policy import Policy
from reliability.degradation.evaluator import turn as evaluator
from reliability.degradation.operations import deciding, levels, policies
from reliability.degradation.queries import standing
from reliability.kernel.clock import SYSTEM
from tests.support import actors

CHECKOUT = declared(
    "checkout",
    title="Checkout",
    levels={"invoice only": "Nobody can pay by card; orders are paid by invoice.", "closed": "Nobody can order."},
)
RECOMMENDATIONS = declared(
    "recommendations", title="Recommendations", levels={"popular": "Everybody sees what is popular."}
)
SEARCH = declared("search", title="Search suggestions", levels={"off": "The search box suggests nothing."})


def root() -> access.Actor:
    """An admin."""
    return actors.actor(Role.ADMIN, name="root")


def declare() -> None:
    """Three flags are known."""
    deciding.known([CHECKOUT, RECOMMENDATIONS, SEARCH], now=SYSTEM.now())


def policy(name: str = "slow-payments", **changes: object) -> None:
    """A policy that degrades checkout while the breaker payments is open."""
    condition = Condition(signal="breaker.state", subject="payments", enter=3, exit=1, enter_for_s=0, exit_for_s=10)
    wanted = Policy(name=name, flag="checkout", level=1, conditions=(condition,), **changes)  # type: ignore[arg-type]
    reason = "payments break checkout"
    policies.save(wanted=wanted, is_on=True, reason=reason, actor=root(), version=0, now=SYSTEM.now())


def look(value: float) -> list[str]:
    """Have policies look at signals of which each says this."""
    now = SYSTEM.now()
    signal = Signal(name="breaker.state", unit="", read=lambda subject: Sample(value=value, at=now))
    return evaluator.turn(now=now, signals={"breaker.state": signal})


def by_hand(flag: str = "recommendations", level: int = 1, *, minutes: int = 30) -> None:
    """Somebody sets a level."""
    version = standing.one(flag).version
    actor = actors.actor(Role.OPERATOR, name="olga")
    lasts = timedelta(minutes=minutes)
    levels.set_level(
        flag=flag,
        level=level,
        lasts=lasts,
        reason="the model is being trained",
        actor=actor,
        version=version,
        now=SYSTEM.now(),
    )
