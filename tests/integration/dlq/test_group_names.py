"""Letters and items that carry a name no consumer group can have: they hold up nothing and ask nobody."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

from dlq.domain.scope import Scope
from dlq.models import GroupWatch, Letter, Replay
from dlq.operations import outcomes, plans
from dlq.operations.outcomes import evidence, rounds
from outbox.domain import message
from outbox.models import Inbox
from reliability.kafka import clusters
from reliability.kernel.record import TopicPartition
from tests.support.letters import record, store
from tests.support.replays import GROUP, World, counted

BAD = ["  ", "\tgb", "gb ", "\u3000", "g" * 1_500]


@pytest.fixture
def asked(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The groups whose commits Kafka was asked for."""
    found: list[str] = []
    admin = type(clusters.admin())
    committed = admin.committed

    def spied(self: object, group: str, places: object) -> dict[TopicPartition, int | None]:
        found.append(group)
        return committed(self, group, places)  # type: ignore[arg-type]

    monkeypatch.setattr(admin, "committed", spied)
    return found


def sent(world: World, start: int = 0) -> Replay:
    run = world.approve(*world.letters(1, start=start))
    world.send_all(run)
    return run


def test_a_header_of_blanks_makes_a_letter_without_a_group(world: World, asked: list[str]) -> None:
    store(record(1, group="  "), now=world.now)
    letter = Letter.objects.get()
    assert letter.consumer_group == ""
    assert "mainstay-dlq-group is no name" in letter.parse_error
    run = world.approve(letter)
    world.send_all(run)
    outcomes.settle_sent(now=world.now)
    assert (counted(run), run.counts["groupless"]) == ({"sent": 1}, 1)
    assert not {name for name in asked if name != name.strip() or not name}


@pytest.mark.parametrize("name", BAD)
def test_a_letter_stored_with_such_a_name_is_planned_and_sent_as_one_without(
    world: World, asked: list[str], name: str
) -> None:
    letters = world.letters(2)
    Letter.objects.filter(pk=letters[0].pk).update(consumer_group=name)
    scope = Scope(ids=tuple(letter.pk for letter in letters))
    plan = plans.draw(scope=scope, terms=plans.terms(), actor=world.operator, now=world.now)
    counts = {warning["code"]: warning["count"] for warning in plan.warnings}
    assert (counts["group-unknown"], counts["no-inbox"]) == (1, 1)
    assert plan.counts["consumer_groups"] == [GROUP]
    only = plans.draw(scope=scope, terms=plans.terms(target="group"), actor=world.operator, now=world.now)
    assert only.counts["left_out"] == {"consumer group not known": 1}
    run = world.approve(*letters)
    assert set(run.items.values_list("consumer_group", flat=True)) == {"", GROUP}


@pytest.mark.parametrize("name", BAD)
def test_an_item_stored_with_such_a_name_is_settled_by_its_inbox_and_asks_nobody(
    world: World, asked: list[str], name: str
) -> None:
    bad, good = sent(world), sent(world, start=50)
    bad.items.update(consumer_group=name)
    asked.clear()
    outcomes.settle_sent(now=world.now)
    outcomes.settle_late(now=world.now)
    assert name not in asked
    assert GROUP in asked
    for run in (bad, good):
        inbox_done(world, run)
    outcomes.settle_sent(now=world.now)
    assert counted(bad) == counted(good) == {"confirmed": 1}
    assert list(GroupWatch.objects.values_list("consumer_group", flat=True)) == [GROUP]


@pytest.mark.parametrize("where", ["rounds.advance", "evidence.inbox_notes"])
def test_what_fails_for_one_group_holds_up_no_other_and_its_items_say_so(
    world: World, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    bad, good = sent(world), sent(world, start=50)
    bad.items.update(consumer_group="a-broken-one")  # the first in order
    inbox_done(world, good)
    module, name = where.split(".")
    break_for_group(monkeypatch, {"rounds": rounds, "evidence": evidence}[module], name, "a-broken-one")
    outcomes.settle_sent(now=world.now)
    assert counted(good) == {"confirmed": 1}
    assert counted(bad) == {"sent": 1}
    assert "look for its outcome failed" in bad.items.get().proof
    monkeypatch.undo()
    outcomes.settle_sent(now=world.now)
    assert bad.items.get().proof == "Kafka's receipt"


def test_late_looks_at_one_group_hold_up_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = sent(world), sent(world, start=50)
    bad.items.update(consumer_group="a-broken-one")
    world.advance(24 * 3_600)
    outcomes.settle_sent(now=world.now)
    assert counted(bad) == counted(good) == {"unknown": 1}
    inbox_done(world, good)
    break_for_group(monkeypatch, evidence, "inbox_notes", "a-broken-one")
    outcomes.settle_late(now=world.now)
    assert (counted(bad), counted(good)) == ({"unknown": 1}, {"confirmed": 1})


def inbox_done(world: World, run: Replay) -> None:
    for item in run.items.all():
        digest = message.digest(item.consumer_group, item.message_id)
        Inbox.objects.create(digest=digest, state="done", attempt=item.attempt, at=world.now)


def break_for_group(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, group: str) -> None:
    """Let a function fail as PostgreSQL does for a name that no index can hold."""
    whole = getattr(module, name)

    def fails(first: Any, *rest: Any, **more: Any) -> Any:
        named = first if isinstance(first, str) else next(iter(first)).consumer_group
        if named == group:
            raise OperationalError("index row size 4512 exceeds btree version 4 maximum 2704")
        return whole(first, *rest, **more)

    monkeypatch.setattr(module, name, fails)
