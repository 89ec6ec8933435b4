"""Planning and starting acts in bulk: what is chosen and said, what is refused, and that it starts once."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection

from reliability import access, audit
from reliability.access import Role
from reliability.access.models import Account
from reliability.audit.models import Entry
from sagas.domain import bulk
from sagas.domain.batching import State
from sagas.models import Batch, Saga
from sagas.operations import batches
from sagas.operations.batches import saga_acts
from sagas.queries import batches as queries
from sagas.queries.lists import WrongFilter
from tests.support import actors
from tests.support.batches import REASON, begin, items, plan, stuck, work
from tests.support.sagas import Shop, run, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def ana(transactional_db: None) -> Account:
    """The account in whose name batches are begun."""
    return actors.account(Role.OPERATOR)


def test_a_plan_says_what_follows_and_does_nothing(shop: Shop) -> None:
    stuck(shop, 3)
    start(shop.order(), key="fine")
    run()
    batch = plan("retry", state="")
    assert (batch.state, queries.counts_of(batch).total) == (State.PLANNED, 3)
    assert queries.following_of(batch) == [{"text": "goes on, completed when every call succeeds", "count": 3}]
    assert batch.effects == [{"text": "charge", "count": 3}, {"text": "ship", "count": 3}]
    assert batch.warnings == [{"text": "charge may have happened. It is tried again under the same key.", "count": 3}]
    (left_out,) = batch.left_out
    assert (left_out["text"], left_out["count"], left_out["examples"][0]["label"]) == (
        "The saga is over: completed.",
        1,
        "fine",
    )
    assert Saga.objects.filter(status="needs_operator").count() == 3
    assert Entry.objects.count() == 0


def test_a_plan_is_started_once_by_the_hash_that_was_shown(shop: Shop) -> None:
    stuck(shop, 1)
    batch = plan()
    for wrong in ("", "0" * 64, "\x00", "é\ud800"):
        with pytest.raises(batches.PlanChanged):
            batches.start(batch_id=batch.id, seen_hash=wrong, reason=REASON, actor=actors.actor())
    assert begin(batch).begun
    assert not begin(batch, actor=actors.actor(name="bob")).begun
    batch.refresh_from_db()
    assert batch.actor_name == "ana"
    work(batch)
    assert not begin(batch).begun


def test_two_press_at_once_and_it_starts_once(shop: Shop) -> None:
    stuck(shop, 1)
    batch = plan()
    both, begun = threading.Barrier(2), []

    def press() -> None:
        both.wait()
        begun.append(begin(batch).begun)
        connection.close()

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(begun) == [False, True]


def test_an_old_plan_and_an_empty_one_are_not_started(shop: Shop) -> None:
    stuck(shop, 1)
    batch = plan()
    Batch.objects.update(created_at=batch.created_at - queries.FRESH - timedelta(seconds=1))
    with pytest.raises(batches.PlanOld):
        begin(batch)
    empty = plan(key="nobody")
    with pytest.raises(batches.NothingToDo):
        begin(empty)
    assert batches.forget_unstarted() == 0
    Batch.objects.filter(id=batch.id).update(created_at=batch.created_at - timedelta(days=2))
    assert batches.forget_unstarted() == 1
    with pytest.raises(queries.NoSuchBatch):
        begin(batch)


def test_without_the_right_or_a_reason_nothing_begins(shop: Shop) -> None:
    stuck(shop, 1)
    viewer = actors.actor(Role.VIEWER)
    with pytest.raises(access.Denied):
        plan(actor=viewer)
    batch = plan()
    with pytest.raises(access.Denied):
        begin(batch, actor=viewer)
    for reason in ("", "  ", "\u200b"):
        with pytest.raises(audit.ReasonRequired):
            begin(batch, reason=reason)
    for bad in ("a\x00b", "x" * 3000):
        with pytest.raises((audit.ReasonNotText, audit.ReasonTooLong)):
            begin(batch, reason=bad)
    begin(batch)
    with pytest.raises(access.Denied):
        batches.cancel(batch_id=batch.id, actor=viewer)
    assert queries.one(batch.id).state == State.RUNNING


@pytest.mark.parametrize(
    "asked",
    [
        {"key": "\x00"},
        {"key": "\ud800"},
        {"error": "x" * 401},
        {"state": "sleepy"},
        {"first": 0},
        {"first": 1001},
        {"older_than_seconds": -1},
        {"older_than_seconds": 10**10},
        {"ids": [], "key": "a"},
    ],
)
def test_what_was_asked_wrongly_is_told(shop: Shop, asked: dict[str, object]) -> None:
    with pytest.raises(WrongFilter):
        batches.plan(kind=saga_acts.NAME, what={"act": "retry"}, asked=asked, actor=actors.actor())
    assert Batch.objects.count() == 0


def test_more_than_one_batch_holds_is_refused_but_the_first_can_be_taken(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = stuck(shop, 3)
    monkeypatch.setattr(saga_acts, "ITEMS_MAX", 2)
    with pytest.raises(saga_acts.TooMany, match="More than 2 sagas match"):
        plan()
    with pytest.raises(saga_acts.TooMany, match="These are 3 sagas"):
        plan(ids=ids)
    batch = plan(state="needs_operator", first=2)
    assert [item.label for item in items(batch)] == ["o2", "o1"]


def test_ids_are_taken_once_each_and_unknown_ones_are_left_out(shop: Shop) -> None:
    one, other = stuck(shop, 2)
    nobody = uuid4()
    batch = plan(ids=[other, one, other, nobody])
    assert [item.target for item in items(batch)] == [str(other), str(one)]
    assert batch.left_out == [
        {
            "text": "There is no such saga.",
            "count": 1,
            "examples": [{"target": str(nobody), "label": str(nobody)}],
        }
    ]


def test_a_history_that_cannot_be_read_is_left_out(shop: Shop) -> None:
    one, other = stuck(shop, 2)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM sagas_event WHERE saga_id = %s AND version = 3", [one])
    batch = plan()
    assert [item.target for item in items(batch)] == [str(other)]
    assert "cannot be read" in batch.left_out[0]["text"]


def test_a_skip_skips_the_named_step_alone(shop: Shop) -> None:
    stuck(shop, 2)
    with pytest.raises(bulk.WrongBulkAct):
        plan("skip")
    batch = plan("skip", step="ship")
    assert batch.left_out[0]["text"] == "charge is the step at hand, not ship."
    batch = plan("skip", step="charge")
    begin(batch)
    work(batch)
    run()
    assert Saga.objects.filter(status="completed").count() == 2
