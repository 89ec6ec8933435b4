"""Alerts that begin, last and end, as the things and signals of a look have it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final

from reliability.alerts.domain import packing
from reliability.alerts.domain.rule import Rule as Wanted
from reliability.alerts.domain.seen import Look, Seen
from reliability.alerts.domain.standing import Phase, State, step
from reliability.alerts.models import Alert, Rule
from reliability.alerts.queries import mutes
from reliability.console.domain.conditions import Condition
from reliability.console.domain.conditions import Look as Stands

AT_ONCE: Final = 1_000
"""Rows that one statement writes."""
_TEXTS: Final = ("severity", "title", "detail", "url", "room", "source", "topics")


def things(rule: Wanted, look: Look) -> bool:
    """Step the alerts of a rule on things; return whether any began, ended or reads differently.

    A thing that is worse than the rule watches leaves its alert as it is: who heard of it is not told that it is over
    while it is worse, and one that changes between both again and again is not too young for each of two rules.
    """
    outgrown = {
        each.id
        for each in look.things.values()
        if rule.is_outgrown_by(room=each.room, severity=each.severity, thing=each.id)
    }
    wanted = {
        each.id: each
        for each in look.things.values()
        if rule.takes(room=each.room, severity=each.severity, thing=each.id)
    }
    return _stepped(rule, wanted, look, kept=outgrown)


def signal(row: Rule, rule: Wanted, look: Look, *, is_told_here: bool) -> bool:
    """Step the alert of a rule on a signal, and keep how its condition stands."""
    condition = rule.condition
    assert condition is not None  # noqa: S101 - the caller's choice of function says so
    watch = packing.watch_read(row.state)
    run = watch.run.after(condition, look.readings.get((condition.signal, condition.subject)), now=look.at)
    is_bad = not run.is_well(condition, now=look.at) if watch.is_bad else run.is_bad(condition, now=look.at)
    unknown = _unknown(condition, look, run.seen(condition, now=look.at), is_told_here=is_told_here)
    after = packing.watch_as_json(packing.Watch(run=run, is_bad=is_bad))
    is_other = (row.state, row.unknown) != (after, unknown)
    if is_other:
        Rule.objects.filter(pk=row.pk).update(state=after, unknown=unknown)
    seen = _kept(rule, seen_of(rule, condition, run.value, look), look) if is_bad else None
    at_once = replace(rule, raise_after_s=0.0, clear_after_s=0.0)  # the condition has waited already
    return _stepped(at_once, {seen.id: seen} if seen is not None else {}, look) or is_other


def _kept(rule: Wanted, seen: Seen, look: Look) -> Seen:
    """The same, of the topics that it was of while nothing newer is known: nobody may see it for that."""
    condition = rule.condition
    if condition is None or look.readings.get((condition.signal, condition.subject)) is not None:
        return seen
    before = Alert.objects.filter(rule=rule.name, thing=seen.id, ended_at=None).values_list("topics", flat=True).first()
    return replace(seen, topics=tuple(before or ()))


def _unknown(condition: Condition, look: Look, stands: Stands, *, is_told_here: bool) -> str:
    if not is_told_here:
        return f"Nobody tells {condition.signal} here."
    if stands is not Stands.UNKNOWN:
        return ""
    return f"Nothing newer than {condition.fresh_s:g} s is known of {condition.named}: it stays as it was."


def seen_of(rule: Wanted, condition: Condition, value: float | None, look: Look) -> Seen:
    """Return the thing that a condition which is met stands for."""
    told = condition.told(value) if value is not None else "not known"
    reading = look.readings.get((condition.signal, condition.subject))
    limit = f"{'at least' if condition.high_is_bad else 'at most'} {condition.told(condition.enter)}"
    return Seen(
        id=f"signal:{condition.named}",
        source=f"{mutes.OF_SIGNAL}{condition.signal}",
        room=mutes.SIGNALS,
        severity=rule.severity,
        title=f"{condition.named} is {told}",
        detail=f"It alerts from {limit} for {condition.enter_for_s:g} s on.",
        since=look.at,
        topics=reading.topics if reading is not None else (),
    )


def _stepped(rule: Wanted, wanted: dict[str, Seen], look: Look, *, kept: Collection[str] = ()) -> bool:
    known = {each.thing: each for each in Alert.objects.filter(rule=rule.name, ended_at=None)}
    made, changed, gone = [], [], []
    for thing in dict.fromkeys([*wanted, *known]):
        alert, seen = known.get(thing), wanted.get(thing)
        before = State(phase=Phase(alert.phase), since=alert.since) if alert is not None else None
        is_unknown = thing in kept or (alert is not None and alert.source in look.unread)
        is_there = True if seen is not None else None if is_unknown else False
        after = step(before, is_there, rule=rule, now=look.at)
        if alert is None and after is not None and seen is not None:
            made.append(_made(rule, seen, after, look))
        elif alert is not None and after is None:
            gone.append(alert)
        elif alert is not None and after is not None and _taken(alert, after, seen):
            changed.append(alert)
    Alert.objects.bulk_create(made, batch_size=AT_ONCE)
    Alert.objects.bulk_update(changed, ["phase", "since", *_TEXTS], batch_size=AT_ONCE)
    _end(gone, look)
    return bool(made or changed or gone)


def _made(rule: Wanted, seen: Seen, state: State, look: Look) -> Alert:
    began = min(seen.since, look.at) if seen.since is not None else look.at
    alert = Alert(rule=rule.name, thing=seen.id, phase=state.phase, since=state.since, began_at=began)
    _taken(alert, state, seen)
    return alert


def _taken(alert: Alert, state: State, seen: Seen | None) -> bool:
    """Write a look into a row; return whether it is another one now."""
    values: dict[str, object] = {"phase": state.phase.value, "since": state.since}
    if seen is not None:
        values |= {name: getattr(seen, name) for name in _TEXTS} | {"topics": list(seen.topics)}
    other = {name: value for name, value in values.items() if getattr(alert, name) != value}
    for name, value in other.items():
        setattr(alert, name, value)
    return bool(other)


def _end(gone: Iterable[Alert], look: Look) -> None:
    """What was only pending leaves no trace: it never was an alert."""
    pending = [each.pk for each in gone if each.incident_id is None]
    over = [each.pk for each in gone if each.incident_id is not None]
    Alert.objects.filter(pk__in=pending).delete()
    Alert.objects.filter(pk__in=over).update(ended_at=look.at)
