"""What an undone discard brings back, when its failures were seen again meanwhile."""

from __future__ import annotations

import pytest

from dlq.domain.scope import Scope
from dlq.models import Letter, LetterGroup
from dlq.operations import discards
from dlq.queries import scopes
from reliability import access
from tests.support import letters as letter_support
from tests.support.letters import record
from tests.support.replays import World

pytestmark = pytest.mark.django_db(transaction=True)


def store(world: World, offset: int) -> Letter:
    """A letter at this offset of the failure at offset 50 of its origin."""
    letter_support.store(record(offset, origin_offset=50), now=world.now)
    return Letter.objects.get(offset=offset)


def discard(world: World, letter: Letter) -> int:
    made = discards.discard(scope=Scope(ids=(letter.pk,)), reason="old", actor=world.operator, now=world.now)
    return int(made.pk)


def test_a_letter_that_comes_back_follows_the_one_that_leads_by_now(world: World) -> None:
    first = store(world, 1)
    follower = store(world, 2)
    number = discard(world, first)
    second = store(world, 3)
    assert second.duplicate_of is None, "what was discarded leads no more"

    discards.undo(discard_id=number, actor=world.operator, now=world.now)

    first, follower, second = Letter.objects.order_by("offset")
    assert (first.duplicate_of, follower.duplicate_of, second.duplicate_of) == (second, second, None)
    group = LetterGroup.objects.get()
    assert (group.count, group.open_count, group.duplicate_count) == (1, 1, 2)
    everything = access.visible_topics(world.operator)
    planned = scopes.leaders(Scope(ids=(first.pk, second.pk)), visible=everything)
    assert list(planned) == [second], "one failure is sent once"


def test_a_letter_that_comes_back_alone_leads_again(world: World) -> None:
    first = store(world, 1)
    discards.undo(discard_id=discard(world, first), actor=world.operator, now=world.now)
    first.refresh_from_db()
    assert (first.state, first.duplicate_of) == ("open", None)
    group = LetterGroup.objects.get()
    assert (group.count, group.open_count, group.duplicate_count) == (1, 1, 0)


def test_letters_that_come_back_together_do_not_follow_each_other(world: World) -> None:
    first = store(world, 1)
    one = discard(world, first)
    second = store(world, 2)
    other = discard(world, second)
    for number in (one, other):
        discards.undo(discard_id=number, actor=world.operator, now=world.now)
    first, second = Letter.objects.order_by("offset")
    assert (first.duplicate_of, second.duplicate_of) == (None, first)
    assert LetterGroup.objects.get().open_count == 1
