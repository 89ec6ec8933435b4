"""Acts in bulk: a frozen list, each item one audited act, done once, with the rights of that moment."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError, InterfaceError, connection

from reliability import access
from reliability.access import Role, operations
from reliability.access.models import Account
from reliability.audit.models import Entry
from reliability.console import queries as console
from reliability.kernel import clock
from sagas.domain.acts import Act, Command
from sagas.domain.batching import CannotNow, ItemState, State
from sagas.domain.state import Status
from sagas.models import Batch, BatchItem, Saga
from sagas.operations import acting, batches
from sagas.operations.batches import working
from sagas.queries import batch_overview, histories, verifying
from sagas.queries import batches as queries
from tests.support import actors
from tests.support.batches import REASON, begin, items, plan, stuck, work
from tests.support.sagas import Shop, run, state

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def ana(transactional_db: None) -> Account:
    """The account in whose name batches are begun."""
    return actors.account(Role.OPERATOR)


def entries(**wanted: object) -> list[Entry]:
    return list(Entry.objects.filter(act="sagas.act", **wanted).order_by("seq"))


def test_each_item_is_one_act_on_record_and_the_engine_goes_on(shop: Shop) -> None:
    ids = stuck(shop, 3)
    batch = plan()
    started = begin(batch)
    assert (started.begun, started.batch.state) == (True, State.RUNNING)
    assert work(batch) == 3
    assert (batch.state, {item.state for item in items(batch)}) == (State.DONE, {"done"})
    run()
    assert {state(saga_id).status for saga_id in ids} == {Status.COMPLETED}
    whole, *parts = entries()
    assert (whole.target, whole.outcome, whole.facts["title"]) == (
        f"batch:{batch.id}",
        "done",
        "3 sagas in bulk (retry)",
    )
    assert {(each.actor_name, each.reason, each.outcome) for each in parts} == {("ana", REASON, "done")}
    assert [each.facts["item"] for each in parts] == [1, 2, 3]
    assert {each.facts["batch"] for each in parts} == {str(batch.id)}
    assert sorted(each.target for each in parts) == ["saga:order/o0", "saga:order/o1", "saga:order/o2"]
    retried = [entry for _, entry in histories.events(ids[0]) if entry.kind == "retried"]
    assert [(entry.actor, entry.data["reason"]) for entry in retried] == [("ana", REASON)]
    assert list(verifying.differences()) == []


def test_a_bulk_act_is_one_line_of_the_timeline(shop: Shop) -> None:
    stuck(shop, 3)
    batch = plan()
    begin(batch)
    work(batch)
    since = clock.SYSTEM.now() - timedelta(hours=1)
    told = [row.text for row in console.timeline(actor=actors.actor(), since=since)]
    assert told.count(f"acted on 3 sagas in bulk (retry): “{REASON}”") == 1
    assert told.count("Bulk act (retry) done: 3 of 3 done.") == 1
    assert not [row for row in told if "order/o" in row]


def test_a_batch_that_nobody_works_off_is_told(shop: Shop) -> None:
    stuck(shop, 2)
    batch = plan()
    begin(batch)
    now = histories.database_now()
    assert list(batch_overview.attention(now=now)) == []
    assert batch_overview.check(now=now).verdict == "ok"
    later = now + queries.STILL_AFTER + timedelta(seconds=1)
    (item,) = batch_overview.attention(now=later)
    assert (item.word, item.url) == ("Stands still", f"/sagas/batches/{batch.id}/")
    assert batch_overview.check(now=later).verdict == "fail"
    assert batches.step(batch.id)
    BatchItem.objects.exclude(at=None).update(at=later)
    assert list(batch_overview.attention(now=later)) == []
    work(batch)
    assert batch_overview.check(now=later + timedelta(hours=1)).verdict == "ok"


def test_what_moved_since_the_plan_is_refused_and_left_alone(shop: Shop) -> None:
    ids = stuck(shop, 3)
    batch = plan("terminate")
    acting.act(
        ids[1],
        Command(act=Act.HAPPENED),
        expected_version=state(ids[1]).version,
        actor=actors.actor(name="bob"),
        reason="seen",
    )
    begin(batch)
    work(batch)
    (refused,) = items(batch, ItemState.REFUSED)
    assert UUID(refused.target) == ids[1]
    assert refused.message == "The saga has changed since you looked at it (declared charge); look again."
    assert state(ids[1]).status is Status.RUNNING
    assert (batch.state, queries.counts_of(batch).number(ItemState.DONE)) == (State.DONE, 2)
    (entry,) = entries(outcome="refused")
    assert (entry.target, entry.facts["code"], entry.facts["item"]) == ("saga:order/o1", "saga-changed", refused.number)


def test_two_workers_at_once_do_each_item_once(shop: Shop) -> None:
    ids = stuck(shop, 12)
    batch = plan()
    begin(batch)
    both, done = threading.Barrier(3), []

    def worker() -> None:
        both.wait()
        count = 0
        while batches.step(batch.id):
            count += 1
        done.append(count)
        connection.close()

    threads = [threading.Thread(target=worker) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    batch.refresh_from_db()
    assert (batch.state, sum(done)) == (State.DONE, 12)
    assert len(entries(outcome="done")) == 13
    for saga_id in ids:
        assert [entry.kind for _, entry in histories.events(saga_id)].count("retried") == 1


def test_who_lost_the_right_meanwhile_acts_no_more(shop: Shop, ana: Account) -> None:
    stuck(shop, 4)
    batch = plan()
    begin(batch)
    assert batches.step(batch.id)
    Account.objects.filter(pk=ana.pk).update(role=Role.VIEWER)
    assert work(batch) == 0
    assert (batch.state, batch.note) == (State.STOPPED, "sagas.act takes the role operator; ana has the role viewer.")
    assert [item.state for item in items(batch)] == ["done", "refused", "refused", "refused"]
    assert {item.message for item in items(batch, ItemState.REFUSED)} == {batch.note}
    (entry,) = entries(outcome="refused")
    assert (entry.actor_kind, entry.target, entry.facts["left"]) == ("system", f"batch:{batch.id}", 3)
    assert Saga.objects.filter(status="needs_operator").count() == 3


def test_a_disabled_account_acts_no_more(shop: Shop) -> None:
    stuck(shop, 2)
    batch = plan()
    begin(batch)
    get_user_model().objects.update(is_active=False)
    assert work(batch) == 0
    assert (batch.state, batch.note) == (State.STOPPED, "There is no active account named 'ana'.")


def test_a_revoked_token_acts_no_more(shop: Shop, ana: Account) -> None:
    stuck(shop, 2)
    now = clock.SYSTEM.now()
    token = operations.issue_token(account=ana, name="ci", life=timedelta(hours=1), now=now).token
    actor = access.actor_again(kind="token", name="ana/ci", account="ana", now=now)
    batch = plan(actor=actor)
    begin(batch, actor=actor)
    assert batches.step(batch.id)
    operations.revoke_token(token_id=token.pk, now=now)
    assert work(batch) == 0
    assert batch.state == State.STOPPED
    assert "revoked" in batch.note
    assert entries(outcome="done")[-1].actor_kind == "token"


def test_the_rest_can_be_cancelled_and_what_was_done_stays(shop: Shop) -> None:
    stuck(shop, 4)
    batch = plan()
    begin(batch)
    assert batches.step(batch.id)
    batches.cancel(batch_id=batch.id, actor=actors.actor(name="bob"))
    assert work(batch) == 0
    assert (batch.state, batch.ended_by) == (State.CANCELLED, "bob")
    assert [item.state for item in items(batch)] == ["done", "cancelled", "cancelled", "cancelled"]
    assert Entry.objects.get(act="sagas.batch_cancel").facts["left"] == 3
    with pytest.raises(CannotNow, match="It was cancelled"):
        batches.cancel(batch_id=batch.id, actor=actors.actor())


def test_cancelling_waits_for_the_item_that_is_being_done(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is at it ends it; nothing is done after the cancel was answered."""
    stuck(shop, 2)
    batch = plan()
    begin(batch)
    inside, over = threading.Event(), threading.Event()

    def slow(name: str) -> None:
        if name == "batch.item":
            inside.set()
            over.wait(10)

    monkeypatch.setattr(working.failpoint, "reach", slow)

    def worker() -> None:
        batches.step(batch.id)
        connection.close()

    def canceller() -> None:
        batches.cancel(batch_id=batch.id, actor=actors.actor())
        connection.close()

    threads = [threading.Thread(target=worker), threading.Thread(target=canceller)]
    threads[0].start()
    assert inside.wait(10)
    threads[1].start()
    threads[1].join(0.3)
    assert threads[1].is_alive()
    over.set()
    for thread in threads:
        thread.join(10)
    batch.refresh_from_db()
    assert (batch.state, [item.state for item in items(batch)]) == (State.CANCELLED, ["done", "cancelled"])


def test_an_error_that_nobody_expected_fails_its_item_and_no_other(shop: Shop) -> None:
    one, other = stuck(shop, 2)
    batch = plan()
    begin(batch)
    BatchItem.objects.filter(target=str(one)).update(target="no id")
    work(batch)
    (failed,) = items(batch, ItemState.FAILED)
    assert failed.message.startswith("ValueError: badly formed")
    assert (batch.state, state(other).status) == (State.DONE, Status.RUNNING)
    assert json.loads(entries(outcome="failed")[0].facts_json)["error"] == "ValueError"


def test_a_lost_connection_leaves_the_item_as_it_was(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    (saga_id,) = stuck(shop, 1)
    batch = plan()
    begin(batch)
    whole = acting.act_within

    def cut(*args: object, **options: object) -> None:
        whole(*args, **options)  # type: ignore[arg-type]
        connection.connection.close()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    with monkeypatch.context() as patched:
        patched.setattr(acting, "act_within", cut)
        with pytest.raises((DatabaseError, InterfaceError)):  # as the task takes it
            batches.step(batch.id)
    connection.close()
    assert state(saga_id).status is Status.NEEDS_OPERATOR
    assert work(batch) == 1
    assert (batch.state, state(saga_id).status) == (State.DONE, Status.RUNNING)


def test_a_kind_that_this_code_does_not_know_is_left_to_others(shop: Shop) -> None:
    stuck(shop, 1)
    batch = plan()
    begin(batch)
    Batch.objects.update(kind="of.tomorrow")
    assert work(batch) == 0
    assert batch.state == State.RUNNING
