"""Breakers over REST, by command, and as pages: what they show, what they do, and what they refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from reliability.access import Role, operations
from reliability.breakers.models import Breaker
from reliability.breakers.queries import overview
from reliability.breakers.recorder.recording import step
from reliability.breakers.stores.shared import RedisStore
from reliability.kernel import clock
from tests.integration.breakers.conftest import Shared
from tests.integration.breakers.test_agents import RULES, Process, in_time
from tests.support import actors

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clean_redis")]

Asked = Callable[..., Any]


@pytest.fixture
def process() -> Process:
    """A process that calls payments, known to the recorder."""
    made = Process(Shared(RedisStore(), lambda seconds: None), "a", rules=RULES)
    made.calls(30)
    step(now=clock.SYSTEM.now())
    return made


@pytest.fixture
def opened(process: Process) -> Process:
    process.calls(60, fails=True)
    process.calls(5)
    in_time(process)
    process.agent.look()
    step(now=clock.SYSTEM.now())
    return process


def asking(client: Client, role: Role, name: str) -> Asked:
    account = actors.account(role, name=name)
    made = operations.issue_token(account=account, name="t", life=timedelta(hours=1), now=clock.SYSTEM.now())

    def ask(method: str, path: str, body: object = None, *, status: int = 200) -> Any:
        options: dict[str, Any] = {"headers": {"Authorization": f"Bearer {made.secret}"}}
        if body is not None:
            options |= {"data": json.dumps(body), "content_type": "application/json"}
        answer = getattr(client, method)(f"/api/v1{path}", **options)
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None

    return ask


def said(*words: str) -> str:
    out = StringIO()
    call_command("breakers", *words, stdout=out)
    return out.getvalue()


def test_the_api_tells_a_breaker_with_its_traffic_and_history(opened: Process, client: Client) -> None:
    ask = asking(client, Role.VIEWER, "vic")
    (listed,) = ask("get", "/breakers")["items"]
    shown = ask("get", "/breakers/payments")
    assert (listed["name"], shown["state"], shown["share_percent"]) == ("payments", "open", 0)
    assert shown["reason"] == "60 of 90 calls failed, 50 % are borne"
    assert shown["calls_per_s"] > 0
    assert shown["rejected_per_s"] > 0
    assert 0 < shown["retry_after_s"] <= 15
    (move,) = ask("get", "/breakers/payments/history")["items"]
    assert (move["before"], move["after"]) == ("closed", "open")
    ask("get", "/breakers/nobody", status=404)
    ask("get", "/breakers/nobody/history", status=404)
    ask("get", "/breakers?nonsense=1", status=422)


def test_the_api_decides_for_a_while_and_takes_it_back(process: Process, client: Client) -> None:
    ask = asking(client, Role.OPERATOR, "olga")
    body = {"override": "forced_open", "minutes": 15, "number": 0, "reason": "vendor asks"}
    done = ask("put", "/breakers/payments/override", body)
    assert done["told"]
    assert done["breaker"]["override"]["by"].startswith("olga")
    in_time(process)
    process.agent.look()
    assert process.calls(2) == {"rejected": 2}
    ask("put", "/breakers/payments/override", body, status=409)
    for wrong in ({"minutes": 0}, {"minutes": 1441}, {"override": "closed"}, {"number": -1}, {"more": 1}):
        ask("put", "/breakers/payments/override", {**body, **wrong}, status=422)
    ask("put", "/breakers/payments/override", {**body, "number": 1, "reason": " "}, status=422)
    ask("delete", "/breakers/payments/override", {"number": 1, "reason": "they are back"})
    in_time(process)
    process.agent.look()
    assert process.calls(2) == {"passed": 2}


def test_the_api_changes_rules_tries_them_and_resets(opened: Process, client: Client) -> None:
    ask = asking(client, Role.OPERATOR, "olga")
    tried = ask("post", "/breakers/payments/dry-runs", {"rules": {"failure_rate": 0.9}})
    assert tried["openings"] == []
    ask("post", "/breakers/payments/dry-runs", {"rules": {"failure_rate": 9}}, status=422)
    changed = ask("put", "/breakers/payments/rules", {"rules": {"minimum": 50}, "version": 0, "reason": "noisy"})
    assert changed["breaker"]["rules_changed"] == {"minimum": 50}
    ask("put", "/breakers/payments/rules", {"rules": {"x": 1}, "version": 1, "reason": "noisy"}, status=422)
    generation = ask("get", "/breakers/payments")["generation"]
    assert ask("post", "/breakers/payments/reset", {"generation": generation, "reason": "r"})["state"] == "closed"
    ask("post", "/breakers/payments/reset", {"generation": generation, "reason": "r"}, status=409)


def test_a_viewer_acts_nowhere(process: Process, client: Client) -> None:
    ask = asking(client, Role.VIEWER, "vic")
    ask(
        "put",
        "/breakers/payments/override",
        {"override": "forced_open", "minutes": 15, "number": 0, "reason": "r"},
        status=403,
    )
    ask("post", "/breakers/payments/reset", {"generation": 1, "reason": "r"}, status=403)
    client.force_login(actors.account(Role.VIEWER, name="vera").user)
    assert "Decide for a while" not in client.get("/breakers/").content.decode()
    for page in ("override/", "override/end/", "rules/", "reset/"):
        assert client.get(f"/breakers/payments/{page}").status_code == 403
        assert client.post(f"/breakers/payments/{page}", {"reason": "r"}).status_code == 403
    with pytest.raises(CommandError, match="vic"):
        said("reset", "payments", "--reason", "r", "--as", "vic")
    assert Breaker.objects.get().override_number == 0


def test_the_command_lists_shows_and_decides(opened: Process) -> None:
    actors.account(Role.OPERATOR, name="olga")
    assert "payments" in said("list")
    assert json.loads(said("list", "--json"))["items"][0]["state"] == "open"
    told = said("show", "payments")
    assert "closed -> open" in told
    assert "60 of 90 calls failed" in told
    assert json.loads(said("show", "payments", "--json"))["history"][0]["after"] == "open"
    assert "forced-closed until" in said("forced-closed", "payments", "--minutes", "5", "--reason", "r", "--as", "olga")
    assert "forced_closed until" in said("show", "payments")
    assert "decides by itself again" in said("take-back", "payments", "--reason", "r", "--as", "olga")
    assert "minimum 50" in said("rules", "payments", "minimum=50", "ramp=50,100", "--reason", "r", "--as", "olga")
    assert "as in the code" in said("rules", "payments", "--reason", "r", "--as", "olga")
    assert "it is closed" in said("reset", "payments", "--reason", "r", "--as", "olga")
    for wrong in (("rules", "payments", "minimum"), ("rules", "payments", "minimum=many"), ("reset", "nobody")):
        with pytest.raises(CommandError):
            said(*wrong, "--reason", "r", "--as", "olga")
    with pytest.raises(CommandError, match="at least a minute"):
        said("forced-open", "payments", "--minutes", "0", "--reason", "r", "--as", "olga")


def test_pages_show_it_and_act(opened: Process, client: Client) -> None:
    client.force_login(actors.account(Role.OPERATOR, name="olga").user)
    wall = client.get("/breakers/").content.decode()
    assert 'class="breaker crit" id="breaker-payments"' in wall
    assert "60 of 90 calls failed" in wall
    assert "1 process, on the newest generation" in wall
    page = client.get("/breakers/payments/").content.decode()
    assert "Closed → Open" in page
    assert client.get("/breakers/nobody/").status_code == 404
    row = Breaker.objects.get()
    form = {"kind": "forced_closed", "minutes": "15", "number": row.override_number, "reason": "we try"}
    bad = client.post("/breakers/payments/override/", {**form, "minutes": "7"})
    assert bad.status_code == 422
    assert "at least a minute" in bad.content.decode()
    assert client.post("/breakers/payments/override/", form).status_code == 302
    late = client.post("/breakers/payments/override/", form)
    assert late.status_code == 409
    assert "look again" in late.content.decode()
    held = client.get("/breakers/payments/").content.decode()
    assert "Forced closed by olga: “we try”" in held
    assert 'id="take-back"' in held
    end = {"number": row.override_number + 1, "reason": "enough"}
    assert client.post("/breakers/payments/override/end/", end).status_code == 302
    tried = client.post("/breakers/payments/rules/", {"failure_rate": "0.9", "again": "1", "version": "0"})
    assert "On what is on record" in tried.content.decode()
    wrong = client.post("/breakers/payments/rules/", {"failure_rate": "nine", "again": "1", "version": "0"})
    assert "it is a number" in wrong.content.decode()
    assert client.post("/breakers/payments/rules/", {"minimum": "50", "version": "0", "reason": "r"}).status_code == 302
    assert Breaker.objects.get().rules == {"minimum": 50}


def test_the_console_is_told_of_it(opened: Process) -> None:
    now = clock.SYSTEM.now()
    assert overview.tile(now=now).value == "1 of 1"
    (item,) = overview.attention(now=now)
    assert (item.id, item.detail) == ("breakers:payments", "60 of 90 calls failed, 50 % are borne")
    (row,) = overview.timeline(now - timedelta(minutes=5), 10)
    assert row.text == "breaker payments opened: 60 of 90 calls failed, 50 % are borne"
    found = overview.state("payments")
    assert found is not None
    assert found.value == 3.0
    share = overview.failing("payments")
    assert share is not None
    assert share.value == pytest.approx(100 * 60 / 90, abs=0.1)
    assert overview.state("nobody") is None
    assert overview.check().verdict in ("ok", "warn")
    assert {figure.metric.name for figure in overview.figures()} >= {"mainstay_breaker_state"}
