"""A signal of topics that somebody may not see is not told to them, by an incident or by trying a rule."""

from __future__ import annotations

import pytest

from reliability.access import Role
from reliability.alerts.domain.rule import Rule
from reliability.alerts.evaluator.preview import preview
from reliability.alerts.models import Alert
from reliability.alerts.queries import incidents
from reliability.console.domain.conditions import Condition
from tests.integration.alerts.world import World
from tests.support import actors

pytestmark = pytest.mark.django_db(transaction=True)

BEHIND = Condition(signal="lag.seconds", subject="payroll", enter=60, exit=10, unit="s")
LIMITED = actors.actor(Role.OPERATOR, name="lim", topics=("stock*",))
EVERYTHING = actors.actor(Role.VIEWER, name="all")


@pytest.fixture
def world() -> World:
    world = World(values={"payroll": 90.0}, topics=("payroll-salaries",))
    world.rule(condition=BEHIND, severity="crit", raise_after_s=0)
    world.turns(2)
    return world


def test_its_incident_is_there_for_who_may_see_its_topics(world: World) -> None:
    assert [each.topics for each in Alert.objects.all()] == [["payroll-salaries"]]
    assert len(incidents.active(actor=EVERYTHING)) == 1
    assert incidents.active(actor=LIMITED) == []


def test_while_nothing_newer_is_known_it_stays_hidden(world: World) -> None:
    del world.values["payroll"]
    world.turn()
    assert [each.topics for each in Alert.objects.filter(ended_at=None)] == [["payroll-salaries"]]


def test_trying_a_rule_tells_its_value_to_nobody_else(world: World) -> None:
    rule = Rule(name="tried", condition=BEHIND, severity="crit")
    told = preview(rule, actor=EVERYTHING, time=world.clock, registry=world.registry)
    assert told.heard is not None
    assert told.heard.reading is not None
    assert (told.heard.reading.value, told.is_partial) == (90.0, False)
    hidden = preview(rule, actor=LIMITED, time=world.clock, registry=world.registry)
    assert hidden.heard is not None
    assert (hidden.heard.reading, hidden.things, hidden.is_partial) == (None, (), True)
