"""Repairs: looked at, done once with their audit, and watched until they helped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection, transaction

from reliability import access
from reliability.audit.models import Entry
from reliability.kernel.errors import Refused
from sagas.domain.acts import Act
from sagas.domain.reconciling.commands import ActOnSaga, AppendEvent, StartSaga, TellSaga
from sagas.domain.reconciling.finding import CannotNow, Note, State
from sagas.domain.reconciling.proposing import NoRepair, WouldNotHelp
from sagas.models import Finding, Saga, Touched
from sagas.operations import starting
from sagas.operations.reconciling import commanding, repairing
from sagas.queries import findings
from sagas.reconciler import keys, policies
from tests.support import outbox as outbox_support
from tests.support.actors import actor
from tests.support.reconciling import NAME, Books, books
from tests.support.sagas import Shop

pytestmark = pytest.mark.django_db(transaction=True)
OPERATOR = actor(name="ann")


@pytest.fixture(autouse=True)
def _empty_outbox(transactional_db: None) -> None:
    outbox_support.empty()


@pytest.fixture
def ours() -> Iterator[Books]:
    with books() as made:
        yield made


def opened(ours: Books, key: str = "o-1") -> Finding:
    ours.order(key)
    keys.look(ours.defined, [key])
    return Finding.objects.get(key=key)


def looked(finding: Finding) -> str:
    look = repairing.look(finding.id, actor=OPERATOR)
    assert look.proposal is not None
    return look.proposal.hash


def apply(finding: Finding, plan_hash: str, **changes: Any) -> Finding:
    facts: dict[str, Any] = {"repair": "ask_again", "actor": OPERATOR, "reason": "ticket 7"} | changes
    return repairing.apply(finding.id, plan_hash=plan_hash, **facts)


def sent() -> int:
    """How many events of this test were appended."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM outbox_event WHERE topic = %s", ["payments.asked"])
        return int(cursor.fetchone()[0])


def entries() -> list[tuple[str, str]]:
    return list(Entry.objects.order_by("seq").values_list("act", "outcome"))


def test_what_was_looked_at_is_done_once_with_its_audit(ours: Books) -> None:
    finding = opened(ours)
    done = apply(finding, looked(finding))
    assert (done.state, done.repair, done.repairs, sent()) == (State.REPAIRING, "ask_again", 1, 1)
    entry = Entry.objects.get()
    assert (entry.act, entry.outcome, entry.reason, entry.target) == (
        "reconcile.repair",
        "done",
        "ticket 7",
        f"finding:{NAME}/o-1",
    )
    assert "It is in the outbox." in entry.facts_json
    line = findings.history(finding.id)[0]
    assert (line.note, line.actor, line.data["reason"]) == (Note.APPLIED, "ann", "ticket 7")
    assert Touched.objects.get().key == "o-1"


def test_it_closes_by_itself_when_the_repair_helped(ours: Books) -> None:
    finding = opened(ours)
    apply(finding, looked(finding))
    ours.pay("o-1")
    ours.order("o-1", "paid")
    Touched.objects.update(due_at=finding.first_at)
    assert keys.step() == 1
    closed = Finding.objects.get()
    assert closed.state == State.CLOSED
    assert findings.history(finding.id)[0].data["after_repair"] == "ask_again"


def test_a_repair_that_does_not_help_is_looked_at_until_its_time_is_over(ours: Books) -> None:
    finding = opened(ours)
    apply(finding, looked(finding))
    Touched.objects.update(due_at=finding.first_at)
    keys.step()
    assert Finding.objects.get().state == State.REPAIRING
    assert Touched.objects.get().key == "o-1"
    Finding.objects.update(patient_until=finding.first_at)
    Touched.objects.update(due_at=finding.first_at)
    keys.step()
    assert Finding.objects.get().state == State.OPEN
    assert Note.NO_HELP in [line.note for line in findings.history(finding.id)]
    assert not Touched.objects.exists()


def test_a_side_that_changed_since_the_look_is_refused_and_nothing_is_done(ours: Books) -> None:
    finding = opened(ours)
    seen = looked(finding)
    ours.orders.rows["o-1"] = [{"state": "pending", "amount": 70}]
    with pytest.raises(repairing.Changed, match="not what you looked at"):
        apply(finding, seen)
    assert (sent(), entries()) == (0, [("reconcile.repair", "refused")])


def test_what_agrees_by_now_is_refused_and_closed(ours: Books) -> None:
    finding = opened(ours)
    seen = looked(finding)
    ours.order("o-1", "paid")
    ours.pay("o-1")
    with pytest.raises(NoRepair, match="agree on o-1 now"):
        apply(finding, seen)
    assert (sent(), Finding.objects.get().state) == (0, State.CLOSED)


def test_a_side_that_does_not_answer_is_refused_and_nothing_is_done(ours: Books) -> None:
    finding = opened(ours)
    seen = looked(finding)
    ours.payments.down = "is down"
    with pytest.raises(repairing.CannotLook, match="payments is down"):
        apply(finding, seen)
    look = repairing.look(finding.id, actor=OPERATOR)
    assert (look.judged, look.unread) == (None, "payments is down")
    assert (sent(), entries()) == (0, [("reconcile.repair", "refused")])


def test_two_operators_at_once_do_it_once(ours: Books) -> None:
    finding = opened(ours)
    seen = looked(finding)
    gate, refused = Barrier(2), []

    def click() -> None:
        gate.wait()
        try:
            apply(finding, seen)
        except Refused as error:
            refused.append(str(error))
        connection.close()

    threads = [Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sent(), len(refused), Finding.objects.get().repairs) == (1, 1, 1)
    assert sorted(outcome for _, outcome in entries()) == ["done", "refused"]


def test_a_command_that_fails_leaves_nothing_behind(ours: Books) -> None:
    finding = opened(ours)

    def broken(pair: object, key: str) -> list[object]:
        return [
            AppendEvent(topic="payments.asked", key="o-1", event_type="t", value={}),
            ActOnSaga(definition="nothing", key="o-1", act=Act.RETRY),
        ]

    ours.commands = broken
    with pytest.raises(commanding.CannotDo, match="no saga nothing of o-1"):
        apply(finding, looked(finding))
    assert (sent(), Finding.objects.get().state) == (0, State.OPEN)


def test_without_the_right_or_a_reason_nothing_is_done(ours: Books) -> None:
    finding = opened(ours)
    seen = looked(finding)
    with pytest.raises(access.Denied):
        apply(finding, seen, actor=actor(access.Role.VIEWER, name="vic"))
    with pytest.raises(Refused, match="reason"):
        apply(finding, seen, reason="  ")
    assert sent() == 0


def test_a_finding_within_its_grace_is_not_repaired(ours: Books) -> None:
    ours.order("o-1")
    ours.pay("o-1")
    keys.look(ours.defined, ["o-1"])
    finding = Finding.objects.get()
    with pytest.raises(NoRepair, match="it has none"):
        apply(finding, "x")
    with pytest.raises(CannotNow, match="watched"):
        repairing.dismiss(finding.id, actor=OPERATOR, reason="r")


def test_a_repair_that_would_not_help_is_refused(ours: Books) -> None:
    finding = opened(ours)
    ours.commands = lambda pair, key: []
    look = repairing.look(finding.id, actor=OPERATOR)
    assert look.refusal == "The repair has nothing to do for this key."
    with pytest.raises(WouldNotHelp):
        apply(finding, "")


def test_a_finding_whose_code_is_gone_is_still_shown(ours: Books) -> None:
    finding = opened(ours)
    from sagas import reconciliations

    reconciliations.forget(NAME)
    assert "does not have the code" in repairing.look(finding.id, actor=OPERATOR).unread
    with pytest.raises(repairing.NoCode):
        apply(finding, "x")


def test_a_dismissal_lasts_until_the_sides_say_something_else(ours: Books) -> None:
    finding = opened(ours)
    repairing.dismiss(finding.id, actor=OPERATOR, reason="a test order", version=finding.version)
    keys.look(ours.defined, ["o-1"])
    assert Finding.objects.get().state == State.DISMISSED
    with pytest.raises(repairing.Changed):
        repairing.reopen(finding.id, actor=OPERATOR, reason="no", version=finding.version)
    repairing.reopen(finding.id, actor=OPERATOR, reason="no test at all")
    assert Finding.objects.get().state == State.OPEN
    assert entries() == [("reconcile.dismiss", "done"), ("reconcile.dismiss", "refused"), ("reconcile.dismiss", "done")]


def test_a_rule_repairs_so_many_in_so_long_and_no_more() -> None:
    with books(by_rule=True) as ours:
        for number in range(5):
            opened(ours, f"o-{number}")
        assert policies.step(ours.defined) == 2
        assert policies.step(ours.defined) == 0
        assert (sent(), Finding.objects.filter(state=State.REPAIRING).count()) == (2, 2)
        assert set(Entry.objects.values_list("actor_kind", "actor_name")) == {("policy", f"reconcile:{NAME}")}


def test_a_rule_does_not_try_twice_what_did_not_help() -> None:
    with books(by_rule=True) as ours:
        finding = opened(ours)
        policies.step(ours.defined)
        Finding.objects.update(patient_until=finding.first_at)
        keys.look(ours.defined, ["o-1"])
        assert Finding.objects.get().state == State.OPEN
        assert policies.step(ours.defined) == 0


def test_a_rule_never_applies_what_a_person_decides(ours: Books) -> None:
    finding = opened(ours)
    with pytest.raises(repairing.NeedsPerson):
        apply(finding, "", actor=access.policy_actor("reconcile:x"))


def test_the_commands_start_tell_and_act_on_sagas(shop: Shop) -> None:
    definition = shop.order()
    with transaction.atomic():
        told = commanding.execute(
            StartSaga(definition=definition.name, version=definition.version, key="o-1"), actor="ann", reason="r"
        )
    saga = Saga.objects.get(key="o-1")
    assert str(saga.id) in told
    with transaction.atomic():
        tell = TellSaga(definition=definition.name, key="o-1", event="paid", event_id="e-1", payload={"n": 1})
        assert "kept for it" in commanding.execute(tell, actor="ann", reason="r")
        assert "told of it before" in commanding.execute(tell, actor="ann", reason="r")
        act = ActOnSaga(definition=definition.name, key="o-1", act=Act.TERMINATE)
        assert "terminated" in commanding.execute(act, actor="ann", reason="r")
    saga.refresh_from_db()
    assert saga.status == "terminated"
    with pytest.raises(commanding.CannotDo, match="does not have the code"), transaction.atomic():
        commanding.execute(StartSaga(definition="x", version=1, key="o-1"), actor="ann", reason="r")


def test_an_ended_saga_has_its_key_looked_at(shop: Shop) -> None:
    definition = shop.order()
    with books(sagas=[definition.name]) as ours:
        ours.order("o-1")
        with transaction.atomic():
            starting.start(definition, key="o-1")
        with transaction.atomic():
            act = ActOnSaga(definition=definition.name, key="o-1", act=Act.TERMINATE)
            commanding.execute(act, actor="ann", reason="r")
        assert Touched.objects.get().key == "o-1"
        assert timedelta(0) < Touched.objects.get().due_at - Saga.objects.get().changed_at < timedelta(seconds=5)
