"""Which signals there are."""

from __future__ import annotations

from reliability.console.domain.conditions import WrongRule
from reliability.console.registry import REGISTRY
from reliability.degradation.domain.policy import Policy


def check(policy: Policy) -> None:
    """Raise ``WrongRule`` for a policy on a signal that nobody tells: it would never know anything."""
    unknown = sorted({condition.signal for condition in policy.conditions} - REGISTRY.signals.keys())
    if unknown:
        raise WrongRule(f"There is no signal {unknown[0]:.80}; there are {', '.join(sorted(REGISTRY.signals))}.")
