"""Acts in bulk by REST, command and page: the same acts, and hostile input told in a sentence."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from reliability.access import Role, operations
from reliability.access.models import Account
from reliability.audit.models import Entry
from reliability.kernel import clock
from sagas.domain.batching import ItemState
from sagas.domain.state import Status
from sagas.management import bulk
from sagas.models import Batch, Saga
from sagas.operations import batches
from tests.support import actors
from tests.support.batches import REASON, begin, items, plan, stuck, work
from tests.support.sagas import Shop, run, start, state

pytestmark = pytest.mark.django_db(transaction=True)

Asked = Callable[..., Any]


@pytest.fixture(autouse=True)
def olga(transactional_db: None) -> Account:
    return actors.account(Role.OPERATOR, name="olga")


@pytest.fixture
def api(client: Client, olga: Account) -> Asked:
    made = operations.issue_token(account=olga, name="t", life=timedelta(hours=1), now=clock.SYSTEM.now())

    def ask(method: str, path: str, body: object = None, *, status: int = 200) -> Any:
        options: dict[str, Any] = {"headers": {"Authorization": f"Bearer {made.secret}"}}
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body)
            options |= {"data": data, "content_type": "application/json"}
        answer = getattr(client, method)(f"/api/v1{path}", **options)
        assert answer.status_code == status, answer.content
        return answer.json()

    return ask


def test_over_rest_it_is_planned_started_followed_and_cancelled(shop: Shop, api: Asked) -> None:
    stuck(shop, 3)
    start(shop.order(), key="fine")
    run()
    planned = api("post", "/saga-batches", {"act": "retry", "filter": {"definition": "order"}}, status=201)
    assert (planned["state"], planned["total"], planned["counts"]["planned"]) == ("planned", 3, 3)
    assert planned["follows"] == [{"text": "goes on, completed when every call succeeds", "count": 3}]
    assert planned["left_out"][0]["examples"][0]["label"] == "fine"
    about = f"/saga-batches/{planned['id']}"
    api("post", f"{about}/start", {"hash": "0" * 64, "reason": REASON}, status=409)
    begun = api("post", f"{about}/start", {"hash": planned["hash"], "reason": REASON})
    assert (begun["state"], begun["begun_by"]) == ("running", "olga, with the token t")
    assert api("post", f"{about}/start", {"hash": planned["hash"], "reason": REASON})["state"] == "running"
    assert batches.step(UUID(planned["id"]))
    ended = api("post", f"{about}/cancellation")
    assert (ended["state"], ended["outcome"]) == ("cancelled", "1 of 3 done, 2 left.")
    assert api("post", f"{about}/cancellation", status=409)["code"] == "batch-state"
    done = api("get", f"{about}/items?state=done")["items"]
    assert [(each["number"], each["message"]) for each in done] == [(1, "entry 6 of its history: goes on")]
    first = api("get", f"{about}/items?limit=2")
    rest = api("get", f"{about}/items?limit=2&after={first['next']}")
    assert [each["number"] for each in first["items"] + rest["items"]] == [1, 2, 3]
    assert rest["next"] is None
    assert Entry.objects.filter(actor_kind="token", act="sagas.act", outcome="done").count() == 2


def test_batches_are_listed_by_pages_the_newest_first(shop: Shop, api: Asked) -> None:
    ids = [str(plan(ids=[]).id) for _ in range(3)]
    first = api("get", "/saga-batches?limit=2")
    second = api("get", f"/saga-batches?limit=2&cursor={first['next']}")
    assert [each["id"] for each in first["items"] + second["items"]] == ids[::-1]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"act": "retry"}, 422, "nothing-chosen"),
        ({"act": "retry", "filter": {}, "ids": []}, 422, "wrong-filter"),
        ({"act": "edit", "filter": {}}, 422, "one by one"),
        ({"act": "skip", "filter": {}}, 422, "the step to skip"),
        ({"act": "fly", "filter": {}}, 422, "no act in bulk"),
        ({"act": "retry", "filter": {"stat": "stuck"}}, 422, "unknown-name"),
        ({"act": "retry", "filter": {"state": "sleepy"}}, 422, "is no state"),
        ({"act": "retry", "filter": {"key": "a\x00"}}, 422, ""),
        ({"act": "retry", "filter": {"first": 1001}}, 422, ""),
        ({"act": "retry", "filter": {"older_than_seconds": "soon"}}, 422, ""),
        ({"act": "retry", "ids": ["17"]}, 422, ""),
        ({"act": "retry", "ids": [str(uuid4()) for _ in range(1001)]}, 422, ""),
        (b'{"act": "retry", "filter": {"key": "\\ud800"}}', 400, "half a character"),
        (b'{"act": "\xff"}', 400, "not UTF-8"),
        (b"{", 400, "not JSON"),
    ],
)
def test_what_is_asked_wrongly_over_rest_plans_nothing(
    shop: Shop, api: Asked, body: object, status: int, said: str
) -> None:
    stuck(shop, 1)
    answer = api("post", "/saga-batches", body, status=status)
    assert said in json.dumps(answer)
    assert Batch.objects.count() == 0


def test_unknown_batches_and_viewers_are_refused_over_rest(shop: Shop, api: Asked, olga: Account) -> None:
    nobody = f"/saga-batches/{uuid4()}"
    for method, path, body in (
        ("get", nobody, None),
        ("get", f"{nobody}/items", None),
        ("post", f"{nobody}/start", {"hash": "", "reason": "x"}),
        ("post", f"{nobody}/cancellation", None),
    ):
        api(method, path, body, status=404)
    batch = plan(ids=[])
    Account.objects.filter(pk=olga.pk).update(role=Role.VIEWER)
    api("get", f"/saga-batches/{batch.id}")
    api("post", "/saga-batches", {"act": "retry", "filter": {}}, status=403)
    api("post", f"/saga-batches/{batch.id}/start", {"hash": batch.hash, "reason": "x"}, status=403)
    api("post", f"/saga-batches/{batch.id}/cancellation", status=403)


# --- the command


def command(*words: str) -> str:
    out = io.StringIO()
    call_command("sagas", "act-all", *words, "--as", "olga", stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_the_command_shows_its_plan_and_does_it_when_told_to(shop: Shop) -> None:
    ids = stuck(shop, 3)
    start(shop.order(), key="fine")
    run()
    shown = command("retry", "--definition", "order")
    assert "retry: 3 sagas" in shown
    assert "3  goes on, completed when every call succeeds" in shown
    assert "1  left out: The saga is over: completed. (fine)" in shown
    assert "Nothing was done." in shown
    batch = Batch.objects.get()
    copied = re.search(r"--batch (\S+) --hash (\S+)", shown)
    assert copied is not None
    assert copied.groups() == (str(batch.id), batch.hash)
    done = command("--batch", copied[1], "--hash", copied[2], "--reason", REASON, "--yes")
    assert "3 of 3 done." in done
    run()
    assert {state(saga_id).status for saga_id in ids} == {Status.COMPLETED}
    assert Entry.objects.filter(actor_kind="cli", actor_account="olga", act="sagas.act").count() == 4


def test_the_command_names_what_was_refused_and_exits_with_two(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = stuck(shop, 2)
    whole = batches.start

    def meanwhile(**options: Any) -> Any:
        started = whole(**options)
        Saga.objects.filter(id=ids[0]).delete()
        return started

    monkeypatch.setattr(batches, "start", meanwhile)
    with pytest.raises(SystemExit) as ended:
        command("terminate", "--state", "stuck", "--reason", REASON, "--yes")
    assert ended.value.code == bulk.NOT_ALL_DONE
    assert items(Batch.objects.get(), ItemState.REFUSED)[0].message == f"There is no saga {ids[0]}."


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["retry"], "Say which"),
        (["retry", "--all", "--state", "stuck"], "Say which"),
        ([], "Name the act"),
        (["retry", "--all", "--yes"], "A reason is required"),
        (["edit", "--all"], "invalid choice"),
        (["retry", "--hash", "abc", "--all"], "--hash belongs to a plan"),
        (["--batch", str(UUID(int=7))], "--batch takes --hash"),
        (["--batch", str(UUID(int=7)), "--hash", "x"], "no such bulk act"),
        (["retry", "--batch", str(UUID(int=7)), "--hash", "x"], "as it was planned"),
        (["retry", "--ids", "17"], "is no id"),
        (["retry", "--all", "--first", "many"], "is no whole number"),
        (["retry", "--state", "sleepy"], "is no state"),
        (["skip", "--all"], "the step to skip"),
        (["retry", "--key", "a\x00b"], "NUL"),
        (["retry", "--key", "x" * 30_000], "at most"),
    ],
)
def test_what_is_typed_wrongly_is_told_and_nothing_is_planned(shop: Shop, words: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        command(*words)
    assert Batch.objects.count() == 0


def test_the_command_asks_for_the_number_where_somebody_can_answer(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck(shop, 2)
    for answer, expected in (("3\n", "planned"), ("2\n", "done")):
        terminal = io.StringIO(answer)
        monkeypatch.setattr(terminal, "isatty", lambda: True)
        monkeypatch.setattr("sys.stdin", terminal)
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        if expected == "planned":
            with pytest.raises(CommandError, match="not their number"):
                command("resolve", "--all", "--reason", REASON)
        else:
            command("resolve", "--all", "--reason", REASON)
        assert Batch.objects.latest("created_at").state == expected


# --- the pages


def post(client: Client, path: str, **fields: object) -> Any:
    return client.post(f"/sagas/batches/{path}", fields)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("?stat=stuck", "There is no filter"),
        ("?state=sleepy", "is no state"),
        ("?age=17", "is no age"),
        ("?q=%00", "no NUL"),
        ("?q=" + "x" * 300, "at most 200"),
        ("?saga=17", "is no saga"),
        ("?ticked=1", "No saga was ticked"),
        (f"?saga={UUID(int=7)}&state=stuck", "not both"),
    ],
)
def test_an_address_that_would_make_the_act_larger_is_refused(
    shop: Shop, client: Client, olga: Account, address: str, said: str
) -> None:
    client.force_login(olga.user)
    assert client.get(f"/sagas/batches/new/{address}").status_code == 302
    told = [str(message) for message in client.get("/sagas/").context["messages"]]
    assert any(said in each for each in told), told
    fields = dict(parse_qsl(address.removeprefix("?")))
    assert client.post("/sagas/batches/new/", fields).status_code == 302
    assert Batch.objects.count() == 0


def test_a_page_refuses_other_hashes_wrong_numbers_and_unknown_batches(
    shop: Shop, client: Client, olga: Account
) -> None:
    client.force_login(olga.user)
    stuck(shop, 1)
    batch = plan("terminate")
    for hash_, number, reason, status in (
        ("x", "1", "<script>", 409),
        (batch.hash, "2", REASON, 422),
        (batch.hash, "\u0661", REASON, 422),
        (batch.hash, "", REASON, 422),
        (batch.hash, "1", "a\x00b", 422),
        (batch.hash, "1", " ", 422),
    ):
        answer = post(client, f"{batch.id}/start/", hash=hash_, number=number, reason=reason)
        assert answer.status_code == status
        assert "Nothing was done." in answer.content.decode()
        assert "<script>" not in answer.content.decode().partition("<main")[2]
    assert Batch.objects.get().state == "planned"
    assert post(client, f"{batch.id}/start/", hash=batch.hash, number="1", reason=REASON).status_code == 302
    assert Batch.objects.get().state == "running"
    assert post(client, f"{uuid4()}/start/", hash="", reason="x").status_code == 404
    assert client.get(f"/sagas/batches/{uuid4()}/").status_code == 404
    for odd in ("?after=x", "?after=" + "9" * 40, "?state=sleepy", "?after=-1"):
        assert client.get(f"/sagas/batches/{batch.id}/{odd}").status_code == 200
    assert client.get("/sagas/batches/?before=17").status_code == 200


def test_a_page_of_a_long_batch_is_paged(shop: Shop, client: Client, olga: Account) -> None:
    client.force_login(olga.user)
    stuck(shop, 60)
    batch = plan()
    first = client.get(f"/sagas/batches/{batch.id}/").content.decode()
    assert first.count('id="item-') == 50
    assert "after=50" in first
    second = client.get(f"/sagas/batches/{batch.id}/?after=50").content.decode()
    assert second.count('id="item-') == 10
    begin(batch, actor=actors.actor(name="olga"))
    work(batch)
    assert "60 of 60 done." in client.get(f"/sagas/batches/{batch.id}/").content.decode()
