"""A plan says before it is approved when its consumer's inbox is not ours to read."""

from __future__ import annotations

from dlq.domain.scope import Scope
from dlq.models import Letter, ReplayPlan
from dlq.operations import plans
from outbox.domain import message
from outbox.models import Inbox
from tests.support.replays import GROUP, World


def drawn(world: World, letters: list[Letter], target: str = "origin", topic: str = "") -> ReplayPlan:
    scope = Scope(ids=tuple(letter.pk for letter in letters))
    terms = plans.terms(target={"kind": target, "topic": topic}, rate=100)
    return plans.draw(scope=scope, terms=terms, actor=world.operator, now=world.now)


def test_a_consumer_without_an_inbox_of_ours_is_named_with_what_that_means(world: World) -> None:
    plan = drawn(world, world.letters(3))
    (notice,) = [each for each in plan.warnings if each["code"] == "no-inbox"]
    assert notice["count"] == 3
    assert f"handled by {GROUP}, whose inbox is not ours to read: no proof" in notice["text"]
    assert "canaries wait at most" in notice["text"]
    assert plan.counts["duration_s"]["longest"] >= 60


def test_a_consumer_that_notes_what_it_gives_up_is_one_of_ours(world: World) -> None:
    letters = world.letters(3)
    first = letters[0]
    name = first.message_id or f"{first.topic}/{first.partition}/{first.offset}"
    Inbox.objects.create(digest=message.digest(GROUP, name), state="gave_up", attempt=1, at=world.now)
    plan = drawn(world, letters)
    assert "no-inbox" not in [each["code"] for each in plan.warnings]
    assert plan.counts["duration_s"]["longest"] < 60


def test_what_goes_to_another_topic_has_no_consumer_to_ask(world: World) -> None:
    world.create("elsewhere", partitions=1)
    plan = drawn(world, world.letters(2), target="topic", topic="elsewhere")
    (unknown,) = [each for each in plan.warnings if each["code"] == "group-unknown"]
    assert (unknown["count"], "stay sent until you choose" in unknown["text"]) == (2, True)
    assert plan.counts["consumer_groups"] == []
    assert "no-inbox" not in [each["code"] for each in plan.warnings]
