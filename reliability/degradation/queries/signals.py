"""Which signals there are."""

from __future__ import annotations

from reliability.console.registry import REGISTRY
from reliability.degradation.domain.conditions import WrongPolicy
from reliability.degradation.domain.policy import Policy


def check(policy: Policy) -> None:
    """Raise ``WrongPolicy`` for a policy on a signal that nobody tells: it would never know anything."""
    unknown = sorted({condition.signal for condition in policy.conditions} - REGISTRY.signals.keys())
    if unknown:
        raise WrongPolicy(f"There is no signal {unknown[0]:.80}; there are {', '.join(sorted(REGISTRY.signals))}.")
