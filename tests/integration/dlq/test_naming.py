"""Scopes on pages: failures by name, each a link, and only those that the reader may see."""

from __future__ import annotations

import pytest

from dlq.domain.scope import Scope
from dlq.models import LetterGroup
from dlq.operations import plans
from dlq.queries import replays
from dlq.views import naming
from tests.support.actors import actor
from tests.support.replays import World

pytestmark = pytest.mark.django_db

TIMEOUT = "PaymentTimeout: no answer for order <n>"


def links(parts: list[naming.Part]) -> list[str]:
    return [part.url for part in parts if part.url]


def test_a_group_is_called_by_its_failure_and_leads_there(world: World) -> None:
    world.letters(3)
    group = LetterGroup.objects.get()
    parts = naming.of_scope({"group": group.pk}, actor=world.operator)
    assert (naming.in_words(parts), links(parts)) == (TIMEOUT, [f"/letters/groups/{group.pk}/"])


def test_groups_ticked_together_are_named_and_the_rest_is_counted(world: World) -> None:
    for at, kind in enumerate(("KeyError", "TypeError", "ValueError")):
        world.letters(1, start=at * 10, error_type=kind, error_message="x")
    ids = sorted(LetterGroup.objects.values_list("pk", flat=True))
    parts = naming.of_scope({"filter": f"failure:{','.join(map(str, ids))}"}, actor=world.operator)
    assert naming.in_words(parts) == "KeyError: x, TypeError: x and 1 more failure"
    assert links(parts) == [f"/letters/groups/{each}/" for each in ids[:2]]


def test_letters_and_filters_name_the_failures_in_them(world: World) -> None:
    letters = world.letters(3)
    drawn = plans.draw(scope=Scope(filter="topic:orders"), terms=plans.terms(), actor=world.operator, now=world.now)
    plan = replays.visible_plan(drawn.pk, actor=world.operator)
    assert naming.in_words(naming.of_plan(plan, actor=world.operator)) == f"letters that fit topic:orders: {TIMEOUT}"
    run = world.approve(*letters)
    (parts,) = naming.of_runs([run], actor=world.operator)
    assert naming.in_words(parts) == f"3 letters of {TIMEOUT}"
    assert links(parts) == [f"/letters/groups/{letters[0].group_id}/"]


def test_a_run_s_failures_and_all_letters_are_said_in_words(world: World) -> None:
    parts = naming.of_scope({"failed_of": 7}, actor=world.operator)
    assert (naming.in_words(parts), links(parts)) == ("what failed again in replay #7", ["/replays/7/"])
    assert naming.in_words(naming.of_scope({"filter": ""}, actor=world.operator)) == "all letters"


def test_a_group_that_is_gone_or_hidden_has_no_name(world: World) -> None:
    world.letters(1)
    group = LetterGroup.objects.get()
    scope, nameless = {"group": group.pk}, f"a failure that is gone (group {group.pk})"
    assert naming.in_words(naming.of_scope(scope, actor=actor(topics=("other.*",)))) == nameless
    assert naming.in_words(naming.of_scope(scope, actor=world.operator)) == TIMEOUT
    group.letters.all().delete()
    group.delete()
    assert naming.in_words(naming.of_scope(scope, actor=world.operator)) == nameless
