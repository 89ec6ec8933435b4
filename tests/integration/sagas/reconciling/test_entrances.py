"""Findings over REST, pages and command: the same acts with the same rights; bad input gets an answer that helps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from reliability.access import Role, operations
from reliability.audit.models import Entry
from reliability.console import registry
from reliability.kernel import clock
from sagas import tasks
from sagas.domain.reconciling.finding import State
from sagas.models import Comparison, Finding
from sagas.operations.reconciling import comparisons
from sagas.queries import histories, reconcile_overview
from tests.support import actors, outbox
from tests.support.reconciling import NAME, Books, books

pytestmark = pytest.mark.django_db(transaction=True)
Asked = Callable[..., Any]


@pytest.fixture(autouse=True)
def _empty_outbox(transactional_db: None) -> None:
    outbox.empty()


@pytest.fixture
def ours() -> Iterator[Books]:
    with books() as made:
        made.order("o-1")
        made.order("o-2", "paid")
        made.pay("o-2")
        made.compare()
        yield made


def asking(client: Client, role: Role, name: str) -> Asked:
    made = operations.issue_token(
        account=actors.account(role, name=name), name="t", life=timedelta(hours=1), now=clock.SYSTEM.now()
    )

    def ask(method: str, path: str, body: object = None, *, status: int = 200) -> Any:
        options: dict[str, Any] = {"headers": {"Authorization": f"Bearer {made.secret}"}}
        if body is not None:
            options |= {"data": json.dumps(body), "content_type": "application/json"}
        answer = getattr(client, method)(f"/api/v1{path}", **options)
        assert answer.status_code == status, answer.content
        return answer.json()

    return ask


@pytest.fixture
def api(client: Client) -> Asked:
    return asking(client, Role.OPERATOR, "olga")


def test_a_finding_is_listed_previewed_repaired_and_read_over_rest(ours: Books, api: Asked) -> None:
    told = next(each for each in api("get", "/reconciliations") if each["name"] == NAME)
    assert (told["newest"]["outcome"], told["newest"]["compared"], told["late"]) == ("complete", 2, False)
    (finding,) = api("get", "/findings")["items"]
    assert (finding["key"], finding["state"], finding["seen"]) == ("o-1", "open", [])
    preview = api("get", f"/findings/{finding['id']}/repair-previews")
    assert preview["says"] == ["Sends payment.asked to payments.asked, with the key o-1."]
    body = {"repair": preview["repair"], "hash": preview["hash"], "reason": "ticket 7"}
    done = api("post", f"/findings/{finding['id']}/repairs", body)
    assert (done["state"], done["history"][0]["actor"]) == ("repairing", "olga/t")
    problem = api("post", f"/findings/{finding['id']}/repairs", body, status=409)
    assert problem["code"] in ("finding-changed", "finding-state")
    assert api("get", "/findings?state=open")["items"] == []


def test_a_comparison_is_asked_for_once_and_run_by_the_task(ours: Books, api: Asked) -> None:
    first = api("post", f"/reconciliations/{NAME}/comparisons", status=202)
    assert api("post", f"/reconciliations/{NAME}/comparisons", status=202) == first
    ours.order("o-3")
    tasks.reconcile()
    newest = api("get", f"/reconciliations/{NAME}/comparisons")["items"][0]
    assert (newest["id"], newest["outcome"], newest["asked_by"]) == (first["comparison"], "complete", "olga/t")
    assert Finding.objects.get(key="o-3").state == State.OPEN


def test_a_dismissal_and_its_end_over_rest(ours: Books, api: Asked) -> None:
    finding = Finding.objects.get(key="o-1")
    body = {"reason": "a test order", "version": finding.version}
    assert api("post", f"/findings/{finding.id}/dismissal", body)["state"] == "dismissed"
    assert api("delete", f"/findings/{finding.id}/dismissal", body, status=409)["code"] == "finding-changed"
    assert api("delete", f"/findings/{finding.id}/dismissal", {"reason": "no"})["state"] == "open"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("get", "/findings?state=nonsense", None, 422),
        ("get", "/findings?key=%00", None, 422),
        ("get", "/findings?limit=0", None, 422),
        ("get", "/findings?cursor=99999", None, 404),
        ("get", "/findings/0", None, 422),
        ("get", "/findings/99999999999999999999", None, 422),
        ("get", "/findings/9223372036854775807", None, 404),
        ("post", "/findings/9223372036854775807/repairs", {"repair": "x", "hash": "x", "reason": "r"}, 404),
        ("post", "/findings/{id}/repairs", {"repair": "x"}, 422),
        ("post", "/findings/{id}/repairs", {"repair": "x", "hash": "", "reason": "r"}, 422),
        ("post", "/findings/{id}/repairs", {"repair": "nonsense", "hash": "x", "reason": "r"}, 404),
        ("post", "/findings/{id}/repairs", {"repair": "ask_again", "hash": "x", "reason": "r"}, 409),
        ("post", "/findings/{id}/repairs", {"repair": "ask_again", "hash": "x", "reason": ""}, 422),
        ("post", "/findings/{id}/repairs", {"repair": "ask_again", "hash": "x", "reason": "r", "more": 1}, 422),
        ("post", "/findings/{id}/dismissal", {"reason": "\x00"}, 422),
        ("post", "/findings/{id}/dismissal", {"reason": "r", "version": 0}, 409),
        ("delete", "/findings/{id}/dismissal", {"reason": "r"}, 409),
        ("post", "/reconciliations/nonsense/comparisons", None, 404),
        ("get", "/reconciliations/nonsense/comparisons", None, 404),
    ],
)
def test_bad_input_changes_nothing(ours: Books, api: Asked, method: str, path: str, body: object, status: int) -> None:
    before = list(Finding.objects.values("state", "repairs"))
    problem = api(method, path.format(id=Finding.objects.get().id), body, status=status)
    assert problem["status"] == status
    assert list(Finding.objects.values("state", "repairs")) == before


def test_a_viewer_reads_no_values_and_does_nothing(ours: Books, client: Client) -> None:
    ask = asking(client, Role.VIEWER, "vic")
    finding = ask("get", "/findings")["items"][0]
    assert (finding["expected"], finding["seen"], finding["why"]) == (None, None, "")
    assert "why" not in ask("get", f"/findings/{finding['id']}")["history"][0]["data"]
    assert "expected" not in ask("get", f"/findings/{finding['id']}")["history"][0]["data"]
    for method, path, body in (
        ("get", f"/findings/{finding['id']}/repair-previews", None),
        ("post", f"/findings/{finding['id']}/repairs", {"repair": "ask_again", "hash": "x", "reason": "r"}),
        ("post", f"/findings/{finding['id']}/dismissal", {"reason": "r"}),
        ("post", f"/reconciliations/{NAME}/comparisons", None),
    ):
        ask(method, path, body, status=403)
    assert Finding.objects.get().state == State.OPEN


def run(*words: str) -> str:
    out = StringIO()
    call_command("reconcile", *words, stdout=out)
    return out.getvalue()


def test_the_command_line_tells_and_does_the_same(ours: Books) -> None:
    actors.account(Role.OPERATOR, name="olga")
    number = str(Finding.objects.get().id)
    assert f"{NAME:<28} complete   2 compared, 1 differ" in run("status")
    assert json.loads(run("list", "--json"))["key"] == "o-1"
    assert "nothing" in run("show", number)
    assert run("show", "o-1") == run("show", number)
    assert json.loads(run("show", number, "--json"))["seen"] == []
    told = run("repair", number, "--as", "olga")
    assert "Sends payment.asked" in told
    assert "Nothing was done" in told
    assert Finding.objects.get().state == State.OPEN
    assert "Done" in run("repair", number, "ask_again", "--reason", "ticket 7", "--as", "olga", "--yes")
    assert Finding.objects.get().state == State.REPAIRING
    assert "asked for" in run("compare", NAME, "--as", "olga")
    for words, problem in (
        (("show", "999"), "the number or the key 999"),
        (("repair", number, "--as", "olga", "--yes", "--reason", "r"), "repairing"),
        (("dismiss", number, "--as", "olga", "--reason", "r"), "repairing"),
        (("compare", "nonsense", "--as", "olga"), "no reconciliation 'nonsense'"),
        (("list", "--state", "nonsense"), "no state"),
    ):
        with pytest.raises(CommandError, match=problem):
            run(*words)


def test_pages_answer_bad_input_and_refuse_viewers(ours: Books, client: Client) -> None:
    finding = Finding.objects.get()
    client.force_login(actors.account(Role.VIEWER, name="vic").user)
    for path in (f"/reconcile/{finding.id}/repair/", f"/reconcile/{finding.id}/dismissal/"):
        assert client.get(path).status_code == 403
        assert client.post(path, {"reason": "r"}).status_code == 403
    assert client.post(f"/reconcile/comparisons/{NAME}/").status_code == 403
    client.force_login(actors.account(Role.OPERATOR, name="olga").user)
    for path, status in (
        ("/reconcile/999/", 404),
        ("/reconcile/999/repair/", 404),
        (f"/reconcile/{finding.id}/nonsense/", 404),
        ("/reconcile/?q=%00&state=nonsense&after=zzz&difference=%F0%9F%98%80", 200),
        ("/reconcile/?after=999", 404),
        (f"/reconcile/{finding.id}/repair/?repair=nonsense", 200),
        (f"/reconcile/comparisons/{NAME}/", 405),
    ):
        assert client.get(path).status_code == status, path
    answer = client.post(f"/reconcile/{finding.id}/repair/", {"reason": "r"})
    assert answer.status_code == 409
    assert b"Nothing was done." in answer.content
    assert Finding.objects.get().state == State.OPEN


def test_what_is_invisible_in_a_key_is_made_visible(ours: Books, client: Client) -> None:
    odd = "o-\x1b[31m\u202eevil\r\n<blink>"
    ours.order(odd)
    ours.compare()
    finding = Finding.objects.get(key=odd)
    client.force_login(actors.account(Role.OPERATOR, name="olga").user)
    for path in ("/reconcile/", f"/reconcile/{finding.id}/", f"/reconcile/{finding.id}/repair/"):
        body = client.get(path).content.decode().partition("<main")[2]
        assert "evil" in body, path
        assert not {"\x1b", "\u202e"} & set(body), path
        assert "<blink>" not in body
    assert not {"\x1b", "\u202e", "\r"} & set(run("list") + run("show", str(finding.id)))


def test_acts_are_on_record_with_their_refusals(ours: Books, api: Asked) -> None:
    finding = Finding.objects.get()
    api("post", f"/findings/{finding.id}/repairs", {"repair": "ask_again", "hash": "x", "reason": "r"}, status=409)
    api("post", f"/reconciliations/{NAME}/comparisons", status=202)
    assert list(Entry.objects.order_by("seq").values_list("act", "outcome")) == [
        ("reconcile.repair", "refused"),
        ("reconcile.compare", "done"),
    ]


def test_the_overview_doctor_and_metrics_tell_of_it(ours: Books) -> None:
    now = histories.database_now()
    assert reconcile_overview.tile(now=now).word == "To be repaired"
    (item,) = reconcile_overview.attention(now=now)
    assert (item.title, item.count) == ("Nothing was paid: 1", 1)
    assert reconcile_overview.check(now=now).verdict == "ok"
    assert {figure.labels.get("state"): figure.value for figure in reconcile_overview.figures(now=now)}["open"] == 1.0
    assert [row.text for row in reconcile_overview.timeline(now - timedelta(hours=1), 10)] == ["o-1 differs"]
    assert [part.title for part in reconcile_overview.finder(actors.actor(), "o-")] == ["o-1"]
    assert registry.REGISTRY.signals["reconcile.open"].read("").value == 1.0  # type: ignore[union-attr]
    ours.payments.down = "is down"
    ours.compare()
    assert reconcile_overview.tile(now=now).word == "Not compared"
    assert reconcile_overview.attention(now=now)[0].detail == "payments is down"
    assert reconcile_overview.check(now=now).verdict == "warn"
    Comparison.objects.update(ended_at=now - timedelta(days=1))
    assert reconcile_overview.check(now=now).verdict == "fail"


def test_what_is_long_over_is_forgotten(ours: Books) -> None:
    now = histories.database_now()
    Comparison.objects.update(asked_at=now - timedelta(days=15))
    Finding.objects.update(rank=4, state=State.CLOSED, ended_at=now - timedelta(days=91))
    assert comparisons.sweep() == 2
