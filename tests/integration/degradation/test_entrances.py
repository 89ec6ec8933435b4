"""REST and the command line: the same acts, the same rights, the same words."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from reliability.access import Role, operations
from reliability.console.queries import act_row
from reliability.degradation.domain import packing
from reliability.degradation.models import Change, Flag, Policy, Window
from reliability.degradation.queries import overview
from reliability.kernel.clock import SYSTEM
from tests.integration.degradation.conftest import Signals
from tests.integration.degradation.test_policies import SLOW, save, turns
from tests.support import actors

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = "/api/v1/degradation/"
BODY = {key: value for key, value in packing.policy_as_json(SLOW).items() if key != "name"}


class Api:
    """The degradation part of the API, as an account."""

    def __init__(self, role: Role) -> None:
        account = actors.account(role, name=f"api-{role}")
        made = operations.issue_token(account=account, name="t", life=timedelta(hours=1), now=SYSTEM.now())
        self.headers, self.client = {"Authorization": f"Bearer {made.secret}"}, Client()

    def __call__(self, method: str, path: str, body: object = None, *, status: int = 200) -> Any:
        sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        answer = self.client.generic(method, f"{ROOT}{path}", headers=self.headers, **sent)
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None


def command(*words: str) -> str:
    out = io.StringIO()
    call_command("degradation", *words, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_a_level_is_set_extended_and_taken_back_over_rest(flag: Flag) -> None:
    api, where = Api(Role.OPERATOR), "flags/recommendations/level"
    assert [each["name"] for each in api("GET", "flags")["items"]] == ["checkout", "recommendations"]
    body = {"level": 2, "seconds": 600, "reason": "slow", "version": 1}
    made = api("PUT", where, body)
    assert (made["level"], made["level_name"], made["version"]) == (2, "off", 2)
    assert made["why"] == "api-operator/t set it by hand: slow."
    assert [each["source"] for each in made["shadows"]] == ["default"]
    assert api("PUT", where, body, status=409)["code"] == "superseded"
    made = api("POST", f"{where}/extension", {"seconds": 900, "reason": "still", "version": 2})
    made = api("DELETE", where, {"version": made["version"]})
    assert (made["level"], made["decides"]["source"]) == (0, "default")
    first = api("GET", "flags/recommendations/history?limit=2")
    assert [each["kind"] for each in first["items"]] == ["taken_back", "extended"]
    rest = api("GET", f"flags/recommendations/history?limit=2&after={first['next']}")
    assert ([each["kind"] for each in rest["items"]], rest["next"]) == (["set"], None)
    assert api("GET", "flags/recommendations/readers")["processes"] == 0


@pytest.mark.parametrize(
    "changes",
    [
        *({"level": "2"}, {"level": -1}, {"level": 9}, {"seconds": 0}, {"seconds": 10**9}, {"reason": " "}),
        *({"reason": "a\x00"}, {"version": "1"}, {"more": 1}, {"seconds": 9}),
    ],
)
def test_a_body_that_is_none_changes_nothing(flag: Flag, changes: dict[str, Any]) -> None:
    body = {"level": 2, "seconds": 600, "reason": "slow", "version": 1, **changes}
    Api(Role.OPERATOR)("PUT", "flags/recommendations/level", body, status=422)
    assert not Change.objects.exists()


def test_who_may_only_look_changes_nothing(flag: Flag, signals: Signals) -> None:
    viewer, operator = Api(Role.VIEWER), Api(Role.OPERATOR)
    assert viewer("GET", "flags/recommendations")["level"] == 0
    level = {"level": 2, "seconds": 600, "reason": "slow", "version": 1}
    assert viewer("PUT", "flags/recommendations/level", level, status=403)["code"] == "denied"
    for api in (viewer, operator):
        api("PUT", "policies/slow", {"policy": BODY, "reason": "x", "version": 0}, status=403)
    for path in ("flags/nothing", "flags/nothing/history", "flags/nothing/readers", "flags/nothing/windows"):
        assert viewer("GET", path, status=404)["code"] == "no-such-flag"
    assert not Policy.objects.exists()


def test_policies_are_tried_saved_released_and_deleted_over_rest(flag: Flag, signals: Signals) -> None:
    api = Api(Role.ADMIN)
    tried = api("POST", "dry-runs", {"policy": {**BODY, "name": "slow"}})
    assert tried["sentence"].startswith("Nothing is recorded")
    made = api("PUT", "policies/slow", {"policy": BODY, "reason": "protects", "version": 0})
    assert made["sentence"].startswith("recommendations goes to level 2 when lag.seconds of billing is 300 s or more")
    assert api("PUT", "policies/slow", {"policy": {**BODY, "level": 0}, "reason": "x", "version": 1}, status=422)
    turns(signals, 8, 400)
    (policy,) = api("GET", "policies")["items"]
    assert (policy["entered"], policy["on"]) == (True, True)
    assert api("POST", "policies/slow/release", {"reason": "x", "version": 1}, status=409)["code"] == "not-held"
    api("DELETE", "policies/slow", {"reason": "x", "version": 2}, status=409)
    api("DELETE", "policies/slow", {"reason": "x", "version": 1}, status=204)
    assert api("GET", "flags/recommendations")["level"] == 0


def test_windows_are_saved_and_deleted_over_rest(flag: Flag) -> None:
    api, where = Api(Role.OPERATOR), "flags/recommendations/windows/nights"
    window = {"days": [0, 1, 2, 3, 4, 5, 6], "begins": "00:00", "ends": "00:00", "zone": "Europe/Berlin"}
    made = api("PUT", where, {"level": 1, "window": window, "reason": "cheap", "version": 0})
    assert made["in_words"] == "every day from 00:00 to 00:00 (Europe/Berlin)"
    assert api("GET", "flags/recommendations")["decides"]["source"] == "schedule"
    wrong = {"level": 1, "window": {**window, "zone": "Mars"}, "reason": "x", "version": 1}
    assert api("PUT", where, wrong, status=422)["code"] == "wrong-window"
    assert len(api("GET", "flags/recommendations/windows")["items"]) == 1
    api("DELETE", where, {"reason": "x", "version": 1}, status=204)
    assert not Window.objects.exists()


def test_the_command_line_does_the_same(flag: Flag, tmp_path: Path) -> None:
    actors.account(Role.OPERATOR, name="ana")
    actors.account(Role.ADMIN, name="ada")
    assert "recommendations          0 normal" in command("list")
    why = ("--reason", "slow", "--as", "ana")
    said = json.loads(command("set", "recommendations", "off", "--minutes", "10", "--json", *why))
    assert (said["level"], said["decides"]["reason"]) == (2, "slow")
    assert "2 off" in command("extend", "recommendations", "--minutes", "20", *why)
    shown = command("show", "recommendations")
    assert "> 2 off: No recommendations are shown." in shown
    assert "extended" in shown
    assert json.loads(command("show", "recommendations", "--json"))["readers"]["known"] is True
    assert "0 normal" in command("clear", "recommendations", "--as", "ana")
    file = tmp_path / "slow.json"
    file.write_text(json.dumps(packing.policy_as_json(SLOW)))
    assert "Nothing is recorded" in command("policy", "try", str(file))
    assert "slow: recommendations goes to level 2" in command(
        "policy", "save", str(file), "--reason", "x", "--as", "ada"
    )
    assert "slow                     out" in command("policy", "list")
    assert json.loads(command("policy", "list", "--json"))["items"][0]["name"] == "slow"
    assert "is deleted" in command("policy", "delete", "slow", "--reason", "x", "--as", "ada")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("show", "nothing"), "flags are declared in code"),
        (("set", "recommendations", "gone", "--minutes", "5", "--reason", "x", "--as", "ana"), "has no level 'gone'"),
        (("set", "recommendations", "off", "--minutes", "5", "--as", "ana"), "reason is required"),
        (("set", "recommendations", "off", "--minutes", "-5", "--reason", "x", "--as", "ana"), "ten seconds"),
        (("set", "recommendations", "off", "--minutes", "nan", "--reason", "x", "--as", "ana"), "ten seconds"),
        (("set", "recommendations", "off", "--minutes", "5", "--reason", "x", "--as", "vito"), "takes the role"),
        (("clear", "recommendations", "--as", "ana"), "nothing to extend or to take back"),
        (("policy", "try", "/nowhere.json"), "cannot be read as a policy"),
        (("policy", "release", "nothing", "--reason", "x", "--as", "ana"), "No policy is called"),
    ],
)
def test_what_is_refused_is_a_sentence(flag: Flag, words: tuple[str, ...], says: str) -> None:
    actors.account(Role.OPERATOR, name="ana")
    actors.account(Role.VIEWER, name="vito")
    with pytest.raises(CommandError, match=says):
        command(*words)
    assert not Change.objects.exists()


def test_what_happens_is_told_on_the_front_page_the_timeline_and_to_prometheus(flag: Flag, signals: Signals) -> None:
    from reliability.audit.models import Entry

    save(signals)
    assert overview.attention(now=signals.now) == []
    assert overview.check(now=signals.now).verdict == "ok"
    turns(signals, 8, 400)
    (item,) = overview.attention(now=signals.now)
    assert (item.word, item.title) == ("Degraded", "Recommendations: No recommendations are shown")
    assert "lag.seconds of billing has been 400 s" in item.detail
    assert act_row(Entry.objects.order_by("-seq")[0]).text.startswith("set recommendations to level 2: “lag.seconds")
    figures = {(each.metric.name, *each.labels.values()): each.value for each in overview.figures(now=signals.now)}
    assert figures["mainstay_degradation_level", "recommendations"] == 2
    assert figures["mainstay_degradation_decides", "recommendations", "policy"] == 1
    assert overview.level("recommendations").value == 2
    assert overview.level("nothing") is overview.level("\x00") is None
    turns(signals, 40, None)
    assert {each.word for each in overview.attention(now=signals.now)} == {"Degraded", "Blind"}
    later = signals.now + timedelta(minutes=2)
    assert overview.check(now=later).found.startswith("policies that nobody has looked at")
    Policy.objects.update(held_since=signals.now, held_why="it changed often", is_on=False)
    assert overview.check(now=later).verdict == "warn"
    assert "Held" in {each.word for each in overview.attention(now=later)}
