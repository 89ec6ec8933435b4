"""Rules as they were saved."""

from __future__ import annotations

import structlog

from reliability.alerts.domain import packing
from reliability.alerts.domain.rule import Rule as Wanted
from reliability.alerts.models import Rule
from reliability.alerts.queries import channels, incidents
from reliability.console.domain.conditions import WrongRule
from reliability.console.registry import REGISTRY
from reliability.kernel.errors import Refused

log = structlog.get_logger(__name__)


class NoSuchRule(Refused):
    """There is no such rule."""

    code = "no-such-rule"
    status = 404


def one(name: str) -> Rule:
    """Return a rule; raises ``NoSuchRule``."""
    found = Rule.objects.filter(name=name).first() if "\x00" not in name else None
    if found is None:
        raise NoSuchRule(f"No rule is called {name[:80]!r}.")
    return found


def version(name: str) -> int:
    """Return the version of a rule as it is now; 0 when there is none."""
    return Rule.objects.filter(name=name).values_list("version", flat=True).first() or 0


def every() -> list[Rule]:
    """Return every rule by its name, also those that are off or that this version does not understand."""
    return list(Rule.objects.order_by("name"))


def readable() -> list[Rule]:
    """Return the rules that are on and that this version understands; others are logged."""
    found = []
    for row in Rule.objects.filter(is_on=True).order_by("name"):
        try:
            packing.rule_read(row.body)
        except WrongRule as error:
            log.error("alert_rule_unreadable", rule=row.name, error=str(error))
            continue
        found.append(row)
    return found


def telling_nobody() -> dict[str, tuple[str, ...]]:
    """Return the rules of which every channel is gone from the settings, with these channels."""
    known = set(channels.names())
    wanted = [packing.rule_read(row.body) for row in readable()] if known else []
    return {each.name: each.channels for each in wanted if each.channels and not known & set(each.channels)}


def check_signal(rule: Wanted) -> None:
    """Raise ``WrongRule`` for a rule on a signal that nobody tells: it would never know anything."""
    if rule.condition is not None and rule.condition.signal not in REGISTRY.signals:
        known = ", ".join(sorted(REGISTRY.signals))
        raise WrongRule(f"There is no signal {rule.condition.signal:.80}; there are {known}.")


def check_rooms(rule: Wanted) -> None:
    """Raise ``WrongRule`` for a rule on a page that there is not: it would never take anything."""
    for room in rule.rooms:
        if not incidents.is_room(room):
            raise WrongRule(f"There is no page {room[:80]!r}; there are {', '.join(incidents.rooms())}.")
