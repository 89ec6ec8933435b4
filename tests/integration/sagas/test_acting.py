"""Operators and sagas: by operation, REST and command; with the right, once, on what was looked at, on record."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from reliability import access, audit
from reliability.access import Role, operations
from reliability.audit.models import Entry
from reliability.kernel import clock
from reliability.kernel.errors import Permanent, Transient
from sagas.domain.acts import Act, CannotNow, Command
from sagas.domain.state import Status
from sagas.models import Saga
from sagas.operations import acting
from sagas.queries.histories import NoSuchSaga
from tests.support import actors
from tests.support.sagas import Shop, claim, due_now, raising, run, start, state

pytestmark = pytest.mark.django_db(transaction=True)

Asked = Callable[..., Any]


@pytest.fixture
def lost(shop: Shop) -> UUID:
    """A saga whose charge had no answer."""
    shop.then("charge", raising(TimeoutError("no answer")))
    saga_id = start(shop.order(), data={"amount": 5})
    run()
    return saga_id


def act(saga_id: UUID, command: Command, *, version: int | None = None, role: Role = Role.OPERATOR) -> acting.Done:
    expected = version if version is not None else state(saga_id).version
    return acting.act(
        saga_id, command, expected_version=expected, actor=actors.actor(role), reason="the provider says so"
    )


@pytest.fixture
def api(client: Client) -> Asked:
    account = actors.account(Role.OPERATOR, name="olga")
    made = operations.issue_token(account=account, name="t", life=timedelta(hours=1), now=clock.SYSTEM.now())

    def ask(method: str, path: str, body: object = None, *, status: int = 200) -> Any:
        options: dict[str, Any] = {"headers": {"Authorization": f"Bearer {made.secret}"}}
        if body is not None:
            options |= {"data": json.dumps(body), "content_type": "application/json"}
        answer = getattr(client, method)(f"/api/v1{path}", **options)
        assert answer.status_code == status, answer.content
        return answer.json()

    return ask


def test_what_happened_is_said_and_the_saga_goes_on(shop: Shop, lost: UUID) -> None:
    done = act(lost, Command(act=Act.HAPPENED, result={"reference": "r7"}))
    assert done.saga.status is Status.RUNNING
    run()
    assert state(lost).status is Status.COMPLETED
    assert state(lost).data == {"amount": 5, "reference": "r7"}
    entry = Entry.objects.get(act="sagas.act")
    assert (entry.target, entry.reason, entry.outcome) == ("saga:order/o1", "the provider says so", "done")
    assert json.loads(entry.facts_json)["act"] == "happened"


def test_a_saga_that_changed_meanwhile_is_left_alone(shop: Shop, lost: UUID) -> None:
    version = state(lost).version
    act(lost, Command(act=Act.EDIT, set={"amount": 6}))
    with pytest.raises(acting.Changed, match="edited"):
        act(lost, Command(act=Act.HAPPENED), version=version)
    assert Entry.objects.filter(act="sagas.act", outcome="refused").count() == 1


def test_of_two_at_once_one_wins(shop: Shop, lost: UUID) -> None:
    version = state(lost).version
    both, ends = threading.Barrier(2), []

    def press(command: Command) -> None:
        both.wait()
        try:
            act(lost, command, version=version)
            ends.append("done")
        except acting.Changed:
            ends.append("told")
        connection.close()

    threads = [threading.Thread(target=press, args=(Command(act=each),)) for each in (Act.HAPPENED, Act.NOT_HAPPENED)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ends) == ["done", "told"]


def test_without_the_right_or_a_reason_nothing_is_done(shop: Shop, lost: UUID) -> None:
    with pytest.raises(access.Denied):
        act(lost, Command(act=Act.TERMINATE), role=Role.VIEWER)
    with pytest.raises(access.Denied):
        acting.preview(lost, Command(act=Act.TERMINATE), actor=actors.actor(Role.VIEWER))
    with pytest.raises(audit.ReasonRequired):
        acting.act(lost, Command(act=Act.TERMINATE), expected_version=5, actor=actors.actor(), reason=" ")
    assert state(lost).status is Status.NEEDS_OPERATOR


def test_a_saga_that_is_not_there(shop: Shop) -> None:
    with pytest.raises(NoSuchSaga):
        act(uuid4(), Command(act=Act.RETRY), version=1)


def test_a_step_that_runs_is_not_disturbed_but_a_saga_can_be_ended(shop: Shop) -> None:
    """Its answer, which comes after the end, is kept."""

    def meanwhile(data: object, key: str) -> dict[str, str]:
        with pytest.raises(CannotNow, match="charge runs at this moment"):
            act(saga_id, Command(act=Act.SKIP))
        act(saga_id, Command(act=Act.TERMINATE))
        return {"reference": "r1"}

    shop.then("charge", meanwhile)
    saga_id = start(shop.order())
    run()
    assert state(saga_id).status is Status.TERMINATED
    assert state(saga_id).late == 1
    assert shop.calls == ["reserve", "charge"]
    assert claim() is None


def test_a_retry_now_does_not_wait(shop: Shop) -> None:
    shop.then("charge", raising(Transient("busy")))
    saga_id = start(shop.order())
    claimed = claim()
    assert claimed is not None
    from sagas.engine.running import Runner

    Runner(claimed, dice=lambda: 0.99).run()
    Saga.objects.update(look_at=clock.SYSTEM.now() + timedelta(hours=1))
    act(saga_id, Command(act=Act.RETRY))
    run()
    assert state(saga_id).status is Status.COMPLETED


def test_a_compensation_that_failed_is_taken_over_by_hand(shop: Shop) -> None:
    shop.then("charge", raising(Permanent("no")))
    shop.then("release", raising(Permanent("warehouse closed")))
    saga_id = start(shop.order())
    run()
    assert state(saga_id).parked == "undo_failed"
    act(saga_id, Command(act=Act.SKIP))
    run()
    assert state(saga_id).status is Status.COMPENSATED


def test_over_rest(shop: Shop, lost: UUID, api: Asked) -> None:
    listed = api("get", "/sagas?state=stuck")["items"]
    assert [(each["key"], each["status"], each["standing"]["stuck"]) for each in listed] == [
        ("o1", "needs_operator", True)
    ]
    whole = api("get", f"/sagas/{lost}")
    assert whole["possible"][0] == "retry"
    assert [step["name"] for step in whole["steps"]] == ["reserve", "charge", "ship"]
    seen = api("post", f"/sagas/{lost}/act-previews", {"act": "compensate"})
    assert [(call["side"], call["step"]) for call in seen["calls"]] == []
    body = {"act": "happened", "version": whole["version"], "reason": "seen at the provider", "result": {"r": 1}}
    assert api("post", f"/sagas/{lost}/acts", body)["status"] == "running"
    assert api("post", f"/sagas/{lost}/acts", body, status=409)["code"] == "saga-changed"
    run()
    history = api("get", f"/sagas/{lost}/history?limit=3")
    assert [each["kind"] for each in history["items"]] == ["started", "succeeded", "attempted"]
    rest = api("get", f"/sagas/{lost}/history?after={history['next']}&limit=1000")
    assert rest["items"][-1]["kind"] == "completed"
    told = {each["name"]: each for each in api("get", "/sagas/definitions")}
    assert told["order"]["pivot_after"] == "charge"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/sagas?state=sleepy", 422),
        ("/sagas?cursor=AAAA", 422),
        ("/sagas?key=%00", 422),
        ("/sagas?limit=0", 422),
        ("/sagas/17", 422),
        (f"/sagas/{UUID(int=7)}", 404),
        (f"/sagas/{UUID(int=7)}/history", 404),
    ],
)
def test_what_is_wrong_is_told(shop: Shop, api: Asked, path: str, status: int) -> None:
    api("get", path, status=status)


def test_lists_are_paged_and_narrowed(shop: Shop, api: Asked) -> None:
    for number in range(5):
        shop.then("charge", raising(Permanent("card refused")) if number == 3 else raising(TimeoutError("slow")))
        start(shop.order(), key=f"order-{number}")
        run()
    first = api("get", "/sagas?limit=2")
    second = api("get", f"/sagas?limit=2&cursor={first['next']}")
    third = api("get", f"/sagas?limit=2&cursor={second['next']}")
    keys = [each["key"] for page in (first, second, third) for each in page["items"]]
    assert keys == ["order-4", "order-2", "order-1", "order-0", "order-3"]
    assert third["next"] is None
    assert [each["key"] for each in api("get", "/sagas?key=order-3")["items"]] == ["order-3"]
    assert [each["key"] for each in api("get", "/sagas?error=refused")["items"]] == ["order-3"]
    assert len(api("get", "/sagas?step=charge&definition=order&state=open")["items"]) == 4


def command(*words: str) -> str:
    out = StringIO()
    call_command("sagas", *words, stdout=out)
    return out.getvalue()


def test_on_the_command_line(shop: Shop, lost: UUID) -> None:
    actors.account(Role.OPERATOR, name="olga")
    assert "o1" in command("list", "--state", "stuck")
    assert "possible acts: retry, happened" in command("show", str(lost))
    assert command("show", "o1") == command("show", str(lost))
    with pytest.raises(CommandError, match="No saga has the id or the business key nobody"):
        command("show", "nobody")
    assert json.loads(command("show", str(lost), "--json"))["status"] == "needs_operator"
    assert "nothing was done" in command("act", str(lost), "retry", "--as", "olga")
    assert state(lost).status is Status.NEEDS_OPERATOR
    assert "done: entry" in command("act", str(lost), "happened", "--reason", "seen", "--as", "olga", "--yes")
    run()
    assert "what the histories say" in command("verify")
    Saga.objects.update(status="running")
    with pytest.raises(CommandError, match="1 differences"):
        command("verify")
    assert "1 made anew" in command("rebuild")
    command("verify")


def test_a_row_that_was_due_is_due_after_it_was_made_anew(shop: Shop) -> None:
    saga_id = start(shop.order())
    Saga.objects.update(look_at=None)
    assert claim() is None
    command("rebuild", str(saga_id))
    due_now()
    run()
    assert state(saga_id).status is Status.COMPLETED
