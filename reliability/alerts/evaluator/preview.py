"""What a rule would take right now, before anybody saves it; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from reliability import access
from reliability.alerts.domain import grouping
from reliability.alerts.domain.rule import SEVERITIES, Rule
from reliability.alerts.domain.seen import Look, Seen
from reliability.alerts.evaluator.looking import look
from reliability.alerts.models import Incident
from reliability.alerts.operations.standing import seen_of
from reliability.alerts.queries import channels, incidents, rules
from reliability.console.domain.conditions import Condition, Reading, Run
from reliability.console.domain.conditions import Look as Stands
from reliability.console.registry import REGISTRY, Registry
from reliability.kernel import clock
from reliability.kernel.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A thing that the rule would take. ``incident``: the open one that it would join, None for a new one."""

    seen: Seen
    key: str
    incident: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The signal of a rule's condition. ``reading`` None: nothing is known of it."""

    condition: Condition
    is_told_here: bool
    reading: Reading | None
    stands: Stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a rule would take at ``at``, the worst first. ``after_s``: once it has been so for so long.

    ``is_partial``: it would take more, of topics that are hidden from who asks. ``unread``: sources that did not
    answer. ``channels`` would be told. ``problems``: why it would not be saved, in sentences.
    """

    rule: Rule
    at: datetime
    after_s: float
    things: tuple[Taken, ...]
    is_partial: bool
    heard: Heard | None
    unread: tuple[str, ...]
    channels: tuple[str, ...]
    problems: tuple[str, ...]


def preview(
    rule: Rule, *, actor: access.Actor, time: clock.Clock = clock.SYSTEM, registry: Registry = REGISTRY
) -> Preview:
    """Look at everything as a turn does, and say what the rule makes of it, as far as the actor may see it."""
    condition = rule.condition
    seen = look([] if condition is None else [(condition.signal, condition.subject)], time=time, registry=registry)
    heard = _heard(condition, seen, registry) if condition is not None else None
    wanted = _wanted(rule, seen) if heard is None else _of_signal(rule, heard, seen)
    shown = [each for each in wanted if incidents.sees_all(actor, each.topics)]
    is_hidden = heard is not None and heard.reading is not None and not incidents.sees_all(actor, heard.reading.topics)
    if heard is not None and is_hidden:
        heard = replace(heard, reading=None, stands=Stands.UNKNOWN)
    return Preview(
        rule=rule,
        at=seen.at,
        after_s=rule.raise_after_s if condition is None else condition.enter_for_s,
        things=_placed(rule, shown),
        is_partial=is_hidden or len(shown) < len(wanted),
        heard=heard,
        unread=tuple(sorted(seen.unread)),
        channels=tuple(name for name in channels.names() if not rule.channels or name in rule.channels),
        problems=tuple(_problems(rule)),
    )


def _wanted(rule: Rule, seen: Look) -> list[Seen]:
    found = [each for each in seen.things.values() if rule.takes(room=each.room, severity=each.severity, thing=each.id)]
    return sorted(found, key=lambda each: (-SEVERITIES.index(each.severity), each.since or seen.at, each.id))


def _heard(condition: Condition, seen: Look, registry: Registry) -> Heard:
    reading = seen.readings.get((condition.signal, condition.subject))
    stands = Run().after(condition, reading, now=seen.at).seen(condition, now=seen.at)
    return Heard(condition=condition, is_told_here=condition.signal in registry.signals, reading=reading, stands=stands)


def _of_signal(rule: Rule, heard: Heard, seen: Look) -> list[Seen]:
    if heard.stands is not Stands.BAD or heard.reading is None:
        return []
    return [seen_of(rule, heard.condition, heard.reading.value, seen)]


def _placed(rule: Rule, shown: list[Seen]) -> tuple[Taken, ...]:
    known = dict(Incident.objects.filter(rule=rule.name, resolved_at=None).values_list("key", "id"))
    wanted = [(each.id, grouping.key_of(rule, room=each.room, thing=each.id)) for each in shown]
    keys = grouping.placed(wanted, open_keys=known)
    return tuple(Taken(seen=each, key=keys[each.id], incident=known.get(keys[each.id])) for each in shown)


def _problems(rule: Rule) -> Iterator[str]:
    """What saving it would be refused for."""
    try:
        rules.check_signal(rule)
        rules.check_rooms(rule)
        for name in rule.channels:
            channels.one(name)
    except Refused as refused:
        yield str(refused)
