"""What a group without open letters says of itself, and what became of each canary of a run."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from dlq.domain.item import ItemState
from dlq.domain.scope import Scope
from dlq.models import Letter, LetterGroup, Replay, ReplayItem
from dlq.operations import discards
from dlq.queries import endings, limits, replays
from tests.support.actors import actor
from tests.support.replays import World

pytestmark = pytest.mark.django_db


def settle(run: Replay, **states: int) -> None:
    """Put a run's items into states, in the order of their positions, as if their outcomes had come."""
    items = iter(ReplayItem.objects.filter(replay=run).order_by("position"))
    for state, count in states.items():
        for _ in range(count):
            item = next(items)
            item.state = state
            item.save()


def test_a_group_tells_how_its_letters_ended_and_who_ended_them(world: World) -> None:
    letters = world.letters(5)
    group = LetterGroup.objects.get()
    run = world.approve(*letters[:3])
    Letter.objects.filter(pk__in=[letter.pk for letter in letters[:3]]).update(state="resolved")
    left = Scope(ids=(letters[3].pk, letters[4].pk))
    made = discards.discard(scope=left, reason="tests", actor=world.operator, now=world.now)
    ending = endings.of_group(group.pk, actor=world.operator)
    assert (ending.resolved, ending.discarded, ending.run, ending.discard) == (3, 2, run, made)
    discards.undo(discard_id=made.pk, actor=world.operator, now=world.now)
    assert endings.of_group(group.pk, actor=world.operator).discard is None


def test_a_group_tells_nothing_of_what_its_reader_may_not_see(world: World) -> None:
    run = world.approve(*world.letters(2))
    Letter.objects.update(state="resolved")
    group = LetterGroup.objects.get()
    assert endings.of_group(group.pk, actor=world.operator).run == run
    hidden = endings.of_group(group.pk, actor=actor(topics=("other.*",)))
    assert (hidden.resolved, hidden.discarded, hidden.run, hidden.discard) == (0, 0, None, None)


def test_a_group_that_cannot_be_counted_in_time_says_no_number(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.letters(1)

    def slow(*_: object, **__: object) -> None:
        raise limits.TooSlow

    monkeypatch.setattr(limits, "at_most", slow)
    ending = endings.of_group(LetterGroup.objects.get().pk, actor=world.operator)
    assert (ending.resolved, ending.discarded) == (None, None)


def test_each_canary_is_told_from_its_own_items(world: World) -> None:
    run = world.approve(*world.letters(9))
    settle(run, confirmed=1, failed_again=2, passed=3)
    legs = replays.legs(run)
    assert legs.earlier is None
    assert [(leg.total, leg.failures, leg.judged) for leg in legs.canaries] == [(1, 0, 1), (5, 2, 5), (3, 0, 0)]


def test_what_was_fed_before_a_stop_is_a_leg_of_its_own(world: World, settings: Settings) -> None:
    run = world.approve(*world.letters(9))
    settle(run, failed_again=2, confirmed=1)
    refused = ReplayItem.objects.filter(replay=run).order_by("position")[3]
    refused.state, refused.refused = ItemState.CANCELLED, True
    refused.save()
    run.ramp_base = 4
    legs = replays.legs(run)
    assert legs.earlier is not None
    assert (legs.earlier.total, legs.earlier.failures, legs.earlier.refused) == (4, 3, 1)
    assert [leg.total for leg in legs.canaries] == [1, 4]
