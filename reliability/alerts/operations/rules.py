"""Rules: saved and deleted by admins; two that everybody has from the beginning."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import IntegrityError

from reliability import access, audit, live
from reliability.alerts.domain import packing, sentences
from reliability.alerts.domain.rule import Rule as Wanted
from reliability.alerts.models import Rule
from reliability.alerts.queries import channels, rules
from reliability.kernel.errors import Refused

RULES_MAX: Final = 200
"""Each is asked at every turn."""
USUAL: Final = (
    Wanted(name="critical", at_least="crit", raise_after_s=30.0, clear_after_s=60.0),
    Wanted(name="needs-somebody", at_least="warn", at_most="warn", raise_after_s=600.0, clear_after_s=120.0),
)
"""What a console alerts on before anybody has saved a rule."""


class Superseded(Refused):
    """Somebody changed this rule meanwhile: look again."""

    code = "superseded"


class TooManyRules(Refused):
    """There are as many rules as there may be: delete one, or let one cover more."""

    code = "too-many-rules"


def make_usual(*, now: datetime) -> None:
    """Write down the rules of the beginning; inside the caller's transaction."""
    Rule.objects.bulk_create(
        [
            Rule(name=each.name, body=packing.rule_as_json(each), actor="mainstay", reason="usual", saved_at=now)
            for each in USUAL
        ],
        ignore_conflicts=True,
    )


def save(*, wanted: Wanted, is_on: bool, reason: str, actor: access.Actor, version: int, now: datetime) -> Rule:
    """Save a rule; ``version`` is the one that was looked at, 0 for a new one. Audited. Return its row.

    Alerts of it that stand go on, and are judged by the new rule at the next turn. Raises ``Superseded``,
    ``TooManyRules``, ``WrongRule``, ``channels.NoSuchChannel``, ``access.Denied``, ``audit.ReasonRequired``.
    """
    facts = {"rule": sentences.sentence(wanted), "switched_on": is_on}
    with audit.action("alerts.rule", actor=actor, target=target(wanted.name), reason=reason, facts=facts):
        rules.check_signal(wanted)
        rules.check_rooms(wanted)
        for name in wanted.channels:
            channels.one(name)
        row = Rule.objects.select_for_update().filter(name=wanted.name).first()
        is_new = row is None
        if (row.version if row is not None else 0) != version:
            raise Superseded
        if row is None:
            if Rule.objects.count() >= RULES_MAX:
                raise TooManyRules
            row = Rule(name=wanted.name, version=0)
        elif packing.condition_of(row.body) != packing.condition_of(packing.rule_as_json(wanted)):
            row.state, row.unknown = {}, ""
        row.body, row.is_on = packing.rule_as_json(wanted), is_on
        row.actor, row.reason, row.saved_at, row.version = actor.name, reason, now, row.version + 1
        try:
            row.save(force_insert=is_new)
        except IntegrityError as error:  # somebody made one of that name at the same moment
            raise Superseded from error
    live.changed("alerts")
    return row


def delete(*, name: str, reason: str, actor: access.Actor, version: int) -> None:
    """Delete a rule: what it raised is over at the next turn. Audited.

    Raises ``rules.NoSuchRule``, ``Superseded``, ``access.Denied``, ``audit.ReasonRequired``.
    """
    with audit.action("alerts.rule", actor=actor, target=target(name), reason=reason, facts={"deleted": True}):
        rules.one(name)
        row = Rule.objects.select_for_update().filter(name=name).first()
        if row is None or row.version != version:
            raise Superseded
        row.delete()
    live.changed("alerts")


def target(name: str) -> str:
    """Return how the audit names a rule."""
    return f"alert-rule:{name}"
