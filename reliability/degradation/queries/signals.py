"""Which signals there are, and which somebody may make a policy of."""

from __future__ import annotations

import structlog

from reliability import access
from reliability.console.domain.conditions import WrongRule
from reliability.console.registry import REGISTRY, Signal
from reliability.degradation.domain.policy import Policy
from reliability.kernel.errors import Refused

log = structlog.get_logger(__name__)


class HiddenSignal(Refused):
    """This policy would tell everybody of topics that its author may not see."""

    code = "hidden-signal"
    status = 403


def check(policy: Policy) -> None:
    """Raise ``WrongRule`` for a policy on a signal that nobody tells: it would never know anything."""
    unknown = sorted({condition.signal for condition in policy.conditions} - REGISTRY.signals.keys())
    if unknown:
        raise WrongRule(f"There is no signal {unknown[0]:.80}; there are {', '.join(sorted(REGISTRY.signals))}.")


def check_open(policy: Policy, *, actor: access.Actor) -> None:
    """Raise ``HiddenSignal`` where the policy would tell its values to somebody who may not see their topics.

    A policy tells everybody why its flag changed. Who sees every topic decides that; for others each signal is asked
    now, and one that says nothing is refused: nobody knows then what it is of.
    """
    if actor.scopes.is_everything:
        return
    for name, subject in sorted(policy.keys):
        signal = REGISTRY.signals.get(name)
        topics = _topics(signal, subject) if signal is not None else None
        if topics is None or not all(actor.scopes.allows(topic) for topic in topics):
            raise HiddenSignal(
                f"A policy shows the values of its signals to everybody. {name} of {subject or 'everything'} is of "
                f"topics that {actor.shown} may not see, or says nothing now: an account that may see every topic "
                "can save this."
            )


def _topics(signal: Signal, subject: str) -> tuple[str, ...] | None:
    try:
        sample = signal.read(subject)
    except Exception as error:  # noqa: BLE001 - another room's signal; what cannot be asked is not known
        log.warning("degradation_signal_failed", signal=f"{signal.name} of {subject}", error=str(error))
        return None
    return None if sample is None else sample.topics
