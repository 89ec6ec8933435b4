"""One repair for all open findings of a difference: planned on both sides as they are, done one by one, each once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import StringIO
from threading import Thread
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from reliability.access import Denied, Role
from reliability.audit.models import Entry
from sagas.domain.reconciling.finding import State
from sagas.management.commands import reconcile
from sagas.models import Batch, BatchItem, Finding
from sagas.operations import batches
from sagas.operations.batches import repairs
from sagas.reconciler import keys
from tests.integration.sagas.reconciling.test_entrances import asking
from tests.support import actors, outbox
from tests.support.reconciling import NAME, Books, books

pytestmark = pytest.mark.django_db(transaction=True)
WHAT = {"reconciliation": NAME, "difference": "no_payment", "repair": "ask_again"}


@pytest.fixture(autouse=True)
def _empty_outbox(transactional_db: None) -> None:
    outbox.empty()


@pytest.fixture
def ours() -> Iterator[Books]:
    """Five orders that nobody paid, and one that is only not marked yet."""
    with books() as made:
        for number in range(5):
            made.order(f"o-{number}")
        made.order("o-9")
        made.pay("o-9")
        keys.look(made.defined, sorted(made.orders.rows))
        yield made


@pytest.fixture
def olga() -> Any:
    account = actors.account(Role.OPERATOR, name="olga")
    return actors.actor(name="olga") if account else None


def plan(actor: Any, **asked: str) -> Batch:
    return batches.plan(kind=repairs.NAME, what=WHAT, asked=asked, actor=actor)


def run(batch: Batch, actor: Any) -> dict[str, str]:
    """Start it and work it off; return what became of each key."""
    batches.start(batch_id=batch.id, seen_hash=batch.hash, reason="the desk was down", actor=actor)
    while batches.step(batch.id):
        pass
    return dict(BatchItem.objects.filter(batch=batch).values_list("label", "state"))


def sent() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM outbox_event WHERE topic = 'payments.asked'")
        return int(cursor.fetchone()[0])


def test_a_plan_says_of_how_many_a_repair_did_not_help_before(ours: Books, olga: Any) -> None:
    Finding.objects.filter(key__in=["o-1", "o-3"]).update(repairs=1)
    batch = plan(olga)
    assert [(each["text"], each["count"]) for each in batch.warnings] == [(repairs.TRIED, 2)]


def test_all_that_match_are_planned_and_repaired_one_by_one(ours: Books, olga: Any) -> None:
    batch = plan(olga)
    assert BatchItem.objects.filter(batch=batch).count() == 5
    assert sent() == 0
    assert set(run(batch, olga).values()) == {"done"}
    assert (sent(), Finding.objects.filter(state=State.REPAIRING).count()) == (5, 5)
    assert Batch.objects.get().state == "done"
    acts = list(Entry.objects.order_by("seq").values_list("act", "outcome", "target"))
    assert acts[0] == ("reconcile.repair", "done", f"batch:{batch.id}")
    assert sorted(target for _, _, target in acts[1:]) == [f"finding:{NAME}/o-{number}" for number in range(5)]


def test_a_beginning_of_the_key_narrows_it(ours: Books, olga: Any) -> None:
    batch = plan(olga, key="o-3")
    assert list(BatchItem.objects.filter(batch=batch).values_list("label", flat=True)) == ["o-3"]


def test_what_cannot_be_repaired_is_left_out_with_its_reason(ours: Books, olga: Any) -> None:
    ours.payments.silent = {"o-0": "payments answered 500"}
    ours.order("o-1", "paid")
    ours.pay("o-1")
    ours.pay("o-2")
    batch = plan(olga)
    assert {group["text"] for group in batch.left_out} == {
        "It was not read: payments answered 500",
        "Both sides agree by now.",
        "It differs in another way by now.",
    }
    assert sorted(run(batch, olga)) == ["o-3", "o-4"]
    assert Finding.objects.get(key="o-1").state == State.CLOSED


def test_a_key_whose_sides_changed_since_the_plan_is_refused_and_the_others_go_on(ours: Books, olga: Any) -> None:
    batch = plan(olga)
    ours.orders.rows["o-2"] = [{"state": "pending", "amount": 7}]
    states = run(batch, olga)
    assert (states.pop("o-2"), set(states.values())) == ("refused", {"done"})
    assert "not what you looked at" in BatchItem.objects.get(label="o-2").message
    assert (sent(), Finding.objects.get(key="o-2").state) == (4, State.OPEN)


def test_two_workers_and_a_single_repair_at_once_do_each_once(ours: Books, olga: Any) -> None:
    batch = plan(olga)
    batches.start(batch_id=batch.id, seen_hash=batch.hash, reason="the desk was down", actor=olga)

    def work() -> None:
        while batches.step(batch.id):
            pass
        connection.close()

    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sent() == 5
    assert set(Finding.objects.filter(difference="no_payment").values_list("repairs", flat=True)) == {1}


@pytest.mark.parametrize(
    "what",
    [
        {},
        {**WHAT, "reconciliation": "nonsense"},
        {**WHAT, "difference": "nonsense"},
        {**WHAT, "repair": "nonsense"},
        {**WHAT, "difference": "not_marked"},
    ],
)
def test_what_there_is_not_is_refused(ours: Books, olga: Any, what: dict[str, str]) -> None:
    with pytest.raises(repairs.WrongBulkRepair):
        batches.plan(kind=repairs.NAME, what=what, asked={}, actor=olga)


def test_it_takes_the_right_at_every_entrance(ours: Books, client: Client) -> None:
    vic = actors.actor(Role.VIEWER, name="vic")
    with pytest.raises(Denied):
        plan(vic)
    ask = asking(client, Role.VIEWER, "vic")
    ask("post", "/repair-batches", WHAT, status=403)
    with pytest.raises(CommandError, match="vic"):
        call_command("reconcile", "repair-all", NAME, "no_payment", "--as", "vic", stdout=StringIO())
    assert not Batch.objects.exists()


def test_it_is_planned_started_and_read_over_rest(ours: Books, client: Client) -> None:
    ask: Callable[..., Any] = asking(client, Role.OPERATOR, "olga")
    planned = ask("post", "/repair-batches", WHAT, status=201)
    assert (planned["total"], planned["effects"][0]["count"], planned["state"]) == (5, 5, "planned")
    about = f"/repair-batches/{planned['id']}"
    ask("post", f"{about}/start", {"hash": "x", "reason": "r"}, status=409)
    started = ask("post", f"{about}/start", {"hash": planned["hash"], "reason": "the desk was down"})
    assert started["state"] == "running"
    while batches.step(UUID(planned["id"])):
        pass
    assert ask("get", about)["counts"]["done"] == 5
    assert {item["state"] for item in ask("get", f"{about}/items?limit=2")["items"]} == {"done"}
    listed = ask("get", "/repair-batches?limit=1")
    assert ([each["id"] for each in listed["items"]], listed["next"]) == ([planned["id"]], None)
    assert ask("get", "/saga-batches")["items"] == []
    ask("post", "/repair-batches", {**WHAT, "repair": "nonsense"}, status=422)
    ask("post", "/repair-batches", {**WHAT, "more": 1}, status=422)
    ask("get", f"/saga-batches/{planned['id']}", status=404)


def test_the_command_line_plans_and_starts_it(ours: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    actors.account(Role.OPERATOR, name="olga")

    def said(*words: str) -> str:
        out = StringIO()
        call_command("reconcile", "repair-all", NAME, "no_payment", *words, "--as", "olga", stdout=out)
        return out.getvalue()

    told = said()
    assert "Ask for the payment again: 5 findings" in told
    assert "5  Sends payment.asked to payments.asked, with its key." in told
    assert "Nothing was done. To start this plan:" in told
    planned = Batch.objects.get()
    with pytest.raises(CommandError, match="as it was planned"):
        said("--batch", str(planned.id), "--hash", planned.hash)
    with pytest.raises(CommandError, match="A reason is required"):
        said("--yes")
    with pytest.raises(CommandError, match="Name the reconciliation and the difference"):
        call_command("reconcile", "repair-all", "--as", "olga")
    monkeypatch.setattr(reconcile, "AGREE_WITHIN_S", 0.0)
    words = ("--batch", str(planned.id), "--hash", planned.hash, "--reason", "the desk was down", "--yes")
    out = StringIO()
    call_command("reconcile", "repair-all", *words, "--as", "olga", stdout=out)
    assert "5 of 5 done" in out.getvalue()
    assert Batch.objects.get().state == "done"


def test_bulk_repairs_are_in_the_list_of_bulk_acts(ours: Books, client: Client) -> None:
    client.force_login(actors.account(Role.OPERATOR, name="olga").user)
    planned = client.post("/reconcile/repairs/", WHAT).headers["Location"]
    assert planned in client.get("/sagas/batches/").content.decode()


def test_the_page_plans_it(ours: Books, client: Client) -> None:
    client.force_login(actors.account(Role.OPERATOR, name="olga").user)
    listed = client.get("/reconcile/?difference=no_payment&state=open").content.decode()
    assert "Plan: Ask for the payment again" in listed
    answer = client.post("/reconcile/repairs/", WHAT)
    assert answer.status_code == 302
    page = client.get(answer.headers["Location"]).content.decode()
    for words in ("Ask for the payment again", "5 findings", "Reconcile", "Before you start it"):
        assert words in page
    assert client.post("/reconcile/repairs/", {**WHAT, "repair": "nonsense"}).status_code == 302
    assert client.get("/reconcile/repairs/").status_code == 405
