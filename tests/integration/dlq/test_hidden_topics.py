"""Whoever sees some topics only learns nothing of the letters of others."""

from __future__ import annotations

import pytest

from dlq.domain.scope import Scope
from dlq.models import Letter
from dlq.operations import discards, plans
from dlq.queries import groups, replays
from reliability import access
from tests.support.actors import actor
from tests.support.letters import record, store
from tests.support.replays import World

LIMITED = actor(name="limited", topics=("stock*",))


def drawn(world: World, scope: Scope) -> dict[str, int]:
    """What a plan of a limited operator leaves out."""
    plan = plans.draw(scope=scope, terms=plans.terms(), actor=LIMITED, now=world.now)
    assert plan.total == 0
    return dict(plan.counts["left_out"])


def test_a_plan_of_a_filter_says_nothing_of_hidden_letters(world: World) -> None:
    world.letters(4)
    assert drawn(world, Scope(filter="json.order:17")) == drawn(world, Scope(filter="json.order:18")) == {}


def test_a_hidden_group_is_refused_as_one_that_there_is_not(world: World) -> None:
    hidden = world.letters(4)[0].group_id
    said = []
    for group in (hidden, hidden + 1_000):
        with pytest.raises(groups.NoSuchGroup) as refused:
            drawn(world, Scope(group=group))
        said.append(str(refused.value).replace(str(group), "N"))
    assert said == ["There is no failure group N that you may see."] * 2


def test_a_plan_of_ids_counts_the_hidden_ones(world: World) -> None:
    letters = world.letters(2)
    assert drawn(world, Scope(ids=tuple(letter.pk for letter in letters))) == {"outside your topic scopes": 2}


def test_a_refused_discard_says_the_same_whatever_is_hidden(world: World) -> None:
    world.letters(3)
    said = []
    for text in ("json.order:17", "json.order:18"):
        with pytest.raises(access.Denied) as denied:
            discards.discard(scope=Scope(filter=text), reason="x", actor=LIMITED, now=world.now)
        said.append(str(denied.value))
    assert said[0] == said[1]


def test_a_plan_without_letters_is_for_its_author_and_those_who_see_everything(world: World) -> None:
    plan = plans.draw(scope=Scope(filter="key:none"), terms=plans.terms(), actor=LIMITED, now=world.now)
    assert plan.topics == []
    for reader in (LIMITED, world.operator):
        assert replays.visible_plan(plan.pk, actor=reader) == plan
    with pytest.raises(replays.NoSuchPlan):
        replays.visible_plan(plan.pk, actor=actor(name="other", topics=("orders",)))


def test_a_plan_of_ids_does_not_tell_which_hidden_letters_repeat_others(world: World) -> None:
    store(record(1, partition=0), record(1, partition=1), now=world.now)
    ids = tuple(Letter.objects.values_list("pk", flat=True))
    assert Letter.objects.filter(duplicate_of__isnull=False).count() == 1
    counts = {}
    for who in (LIMITED, world.operator):
        plan = plans.draw(scope=Scope(ids=ids), terms=plans.terms(), actor=who, now=world.now)
        counts[who.name] = plan.counts["duplicates"]
    assert counts == {LIMITED.name: 0, world.operator.name: 1}
