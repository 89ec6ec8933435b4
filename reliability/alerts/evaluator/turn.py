"""One turn: a look at everything, then what the rules make of it, in one transaction.

Any number of workers may take turns: the row of the last turn puts them in order, and a look that is older than what
was written last is thrown away.
"""

from __future__ import annotations

from reliability.alerts.domain import packing
from reliability.alerts.domain.rule import Rule as Wanted
from reliability.alerts.evaluator.looking import look
from reliability.alerts.operations import turning
from reliability.alerts.queries import rules
from reliability.console.registry import REGISTRY, Registry
from reliability.kernel import clock


def turn(*, time: clock.Clock = clock.SYSTEM, registry: Registry = REGISTRY) -> bool:
    """Look, decide, write down what is to be told; return whether anything has to be delivered now."""
    began = time.monotonic()
    turning.begin(now=time.now())
    known = [packing.rule_read(row.body) for row in rules.readable()]
    seen = look(_keys(known), time=time, registry=registry)
    took_s = time.monotonic() - began
    return turning.turned(look=seen, took_s=took_s, signals=set(registry.signals), now=time.now())


def _keys(known: list[Wanted]) -> list[tuple[str, str]]:
    return [(rule.condition.signal, rule.condition.subject) for rule in known if rule.condition is not None]
