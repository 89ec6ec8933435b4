"""What a turn writes down: alerts that begin and end, incidents, and what is to be told of them; all or nothing."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from reliability import live
from reliability.alerts.domain import packing
from reliability.alerts.domain.seen import Look
from reliability.alerts.models import Alert, Incident, Rule, Turn
from reliability.alerts.operations import grouping, standing, telling
from reliability.alerts.operations.rules import make_usual
from reliability.alerts.queries import rules

AHEAD_MAX: Final = timedelta(seconds=60)
"""Clocks of machines that are looked after agree better than that; nobody waits longer for one that does not."""


def begin(*, now: datetime) -> None:
    """Before the very first turn: the rules that everybody has until they save others."""
    if Turn.objects.exists():
        return
    with transaction.atomic():
        _, is_new = Turn.objects.get_or_create(pk=1)
        if is_new:
            make_usual(now=now)


def turned(*, look: Look, took_s: float, signals: Collection[str], now: datetime) -> bool:
    """Write down what a look means; return whether there is anything to deliver now.

    A look that is older than the last one that was written down is thrown away: another worker was faster. Unless that
    one is of a time that has not come yet: a clock was set back, and nobody would be told until it is as late again.
    """
    with transaction.atomic():
        row = Turn.objects.select_for_update().filter(pk=1).first()
        if row is None or (row.at is not None and look.at <= row.at <= now + AHEAD_MAX):
            return False
        telling.hold()
        is_other = _ruled(look, signals)
        is_told = telling.tell(Incident.objects.filter(is_settled=False), now=look.at)
        row.at, row.took_ms, row.things = look.at, round(took_s * 1000), len(look.things)
        row.unread = sorted(look.unread)
        row.save()
    if is_other or is_told:
        live.changed("alerts")
    return is_told


def _ruled(look: Look, signals: Collection[str]) -> bool:
    is_other = False
    known = rules.readable()
    for row in known:
        wanted = packing.rule_read(row.body)
        if wanted.condition is None:
            is_other |= standing.things(wanted, look)
        else:
            is_other |= standing.signal(row, wanted, look, is_told_here=wanted.condition.signal in signals)
        is_other |= grouping.grouped(wanted, now=look.at)
    return _without_rule({row.name for row in known}, now=look.at) or is_other


def _without_rule(names: set[str], *, now: datetime) -> bool:
    """Alerts of rules that were switched off or deleted are over; those of a rule that cannot be read stand."""
    unreadable = set(Rule.objects.filter(is_on=True).values_list("name", flat=True)) - names
    gone = Alert.objects.filter(ended_at=None).exclude(rule__in=names | unreadable)
    gone.filter(incident=None).delete()  # what was only pending never was an alert
    ended = gone.update(ended_at=now)
    over = Incident.objects.filter(resolved_at=None).exclude(rule__in=names | unreadable)
    for incident in over:
        grouping.resolve(incident, why="Its rule was switched off or deleted.", now=now)
    return bool(ended) or bool(over)
