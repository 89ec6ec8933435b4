"""Whoever sees some topics only learns nothing of the letters of others."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.test import Client

from dlq.domain.scope import Scope
from dlq.models import Letter, LetterGroup
from dlq.operations import discards, plans
from dlq.operations import replays as operations
from dlq.queries import discards as discard_queries
from dlq.queries import groups, letters, replays
from reliability.access import Role
from reliability.audit.models import Entry
from tests.support.actors import account, actor
from tests.support.letters import record, store
from tests.support.replays import World

LIMITED = actor(name="limited", topics=("stock*",))


Act = Callable[[World, Scope], object]


def plan_of(world: World, scope: Scope) -> object:
    return plans.draw(scope=scope, terms=plans.terms(), actor=LIMITED, now=world.now)


def discard_of(world: World, scope: Scope) -> object:
    return discards.discard(scope=scope, reason="x", actor=LIMITED, now=world.now)


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


def test_hidden_ids_and_ids_that_there_are_not_are_left_out_alike(world: World) -> None:
    (hidden,), (mine,) = world.letters(1), world.letters(1, start=10, origin_topic="stock")
    world.create("stock", partitions=1)
    counted = []
    for other in (hidden.pk, mine.pk + 1_000):
        scope = Scope(ids=(mine.pk, other))
        plan = plans.draw(scope=scope, terms=plans.terms(), actor=LIMITED, now=world.now)
        counted.append((plan.total, dict(plan.counts["left_out"])))
    assert counted == [(1, {"not there, or not in your topics": 1})] * 2


@pytest.mark.parametrize("act", [plan_of, discard_of])
def test_only_hidden_ids_are_refused_as_ids_that_there_are_not(world: World, act: Act) -> None:
    hidden = tuple(letter.pk for letter in world.letters(2))
    for ids in (hidden, (hidden[1] + 1_000, hidden[1] + 1_001)):
        with pytest.raises(letters.NoSuchLetter, match=f"There are no letters {ids[0]}, {ids[1]} that you may see"):
            act(world, Scope(ids=ids))


def test_a_discard_of_what_is_hidden_finds_nothing_whatever_there_is(world: World) -> None:
    world.letters(3)
    said = []
    for text in ("json.order:17", "json.order:18"):
        with pytest.raises(discards.NothingToDiscard) as refused:
            discard_of(world, Scope(filter=text))
        said.append(str(refused.value))
    assert said[0] == said[1]


def test_nobody_acts_on_a_hidden_run_plan_or_discard_and_learns_that_there_is_one(world: World) -> None:
    run = world.approve(*world.letters(2))
    ids = tuple(letter.pk for letter in world.letters(2, start=10))
    made = discards.discard(scope=Scope(ids=ids), reason="x", actor=world.operator, now=world.now)
    said = []
    for plan_id, replay_id, discard_id in ((run.plan_id or 0, run.pk, made.pk), (987_654, 987_654, 987_654)):
        by: dict[str, Any] = {"actor": LIMITED, "now": world.now}
        for refusal, act in (
            (replays.NoSuchPlan, partial(operations.approve, plan_id=plan_id, plan_hash="", reason="x", **by)),
            (replays.NoSuchReplay, partial(operations.pause, replay_id=replay_id, **by)),
            (discard_queries.NoSuchDiscard, partial(discards.undo, discard_id=discard_id, **by)),
        ):
            with pytest.raises(refusal) as refused:
                act()
            said.append(str(refused.value))
    assert said[:3] == said[3:]
    tries = Entry.objects.filter(actor_name="limited").order_by("seq").values_list("act", "outcome")
    assert list(tries) == [(f"letters.{act}", "refused") for act in ("replay", "replay_pause", "restore")] * 2


def test_by_page_and_by_api_a_hidden_thing_is_not_there(world: World) -> None:
    run, client = world.approve(*world.letters(2)), Client()
    client.force_login(account(Role.OPERATOR, name="otto", topics=("stock*",)).user)
    approval = {"plan": run.plan_id, "hash": run.plan_hash, "reason": "x"}
    pages: list[tuple[str, dict[str, Any]]] = [
        (f"/replays/{run.pk}/pause/", {}),
        (f"/replays/{run.pk}/cancellation/", {}),
        ("/replays/", approval),
        ("/replays/plans/", {"letter": run.items.values_list("letter_id", flat=True)[0]}),
        ("/discards/", {"group": LetterGroup.objects.get().pk, "reason": "x"}),
    ]
    for path, sent in pages:
        assert client.post(path, sent).status_code == 404, path
    scope = {"scope": {"failed_of": run.pk}}
    api = [(f"replays/{run.pk}/pause", {}), ("replays", approval), ("discards", {**scope, "reason": "x"})]
    for path, sent in api:
        assert client.post(f"/api/v1/{path}", sent, content_type="application/json").status_code == 404, path


@pytest.fixture
def buried(world: World) -> dict[str, int]:
    """A run and a discard of the limited account, each behind nine newer ones of other topics."""
    world.create("stock", partitions=1)
    own = {}
    for at in range(10):
        topic = "stock" if at == 0 else "orders"
        run = world.approve(*world.letters(1, start=at * 10, origin_topic=topic))
        ids = (world.letters(1, start=at * 10 + 5, origin_topic=topic)[0].pk,)
        made = discards.discard(scope=Scope(ids=ids), reason="x", actor=world.operator, now=world.now)
        own = own or {"replays": run.pk, "discards": made.pk}
    return own


def listed(what: str, **more: Any) -> tuple[list[int], int | None]:
    """A page of the limited account: ids and where the next one begins."""
    if what == "replays":
        page = replays.replays(actor=LIMITED, **more)
        return [run.pk for run in page.rows], page.next_before
    rows, older = discard_queries.discards(actor=LIMITED, **more)
    return [made.pk for made in rows], older


@pytest.mark.parametrize("what", ["replays", "discards"])
def test_a_list_goes_on_behind_hidden_rows_until_its_page_is_full(buried: dict[str, int], what: str) -> None:
    assert listed(what, limit=2) == ([buried[what]], None)


@pytest.mark.parametrize("what", ["replays", "discards"])
def test_behind_very_many_hidden_rows_a_list_offers_older_ones(
    buried: dict[str, int], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "LOOKED_AT_MAX", 4)
    pages, before = [], None
    for _ in range(3):
        rows, before = listed(what, limit=2, before=before)
        pages.append((rows, before is not None))
    assert pages == [([], True), ([], True), ([buried[what]], False)]
    client = Client()
    client.force_login(account(Role.OPERATOR, name="otto", topics=("stock*",)).user)
    page = client.get(f"/{what}/").content.decode()
    assert "of your topics" in page
    assert ">Older</a>" in page


def test_a_plan_without_letters_is_for_its_author_and_those_who_see_everything(world: World) -> None:
    plan = plans.draw(scope=Scope(filter="key:none"), terms=plans.terms(), actor=LIMITED, now=world.now)
    assert plan.topics == []
    for reader in (LIMITED, world.operator):
        assert replays.visible_plan(plan.pk, actor=reader) == plan
    with pytest.raises(replays.NoSuchPlan):
        replays.visible_plan(plan.pk, actor=actor(name="other", topics=("orders",)))


def test_a_plan_of_ids_does_not_tell_which_hidden_letters_repeat_others(world: World) -> None:
    store(record(1, partition=0), record(1, partition=1), now=world.now)
    assert Letter.objects.filter(duplicate_of__isnull=False).count() == 1
    world.letters(1, start=10, origin_topic="stock")
    ids = tuple(Letter.objects.values_list("pk", flat=True))
    counts = {}
    for who in (LIMITED, world.operator):
        plan = plans.draw(scope=Scope(ids=ids), terms=plans.terms(), actor=who, now=world.now)
        counts[who.name] = plan.counts["duplicates"]
    assert counts == {LIMITED.name: 0, world.operator.name: 1}
