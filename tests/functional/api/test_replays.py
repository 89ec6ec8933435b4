"""Plan, approve, watch, pause, resume, cancel over the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from dlq.models import Letter
from reliability.access import Role
from reliability.audit.models import Entry
from tests.functional.api.conftest import Api
from tests.support.actors import account
from tests.support.replays import World


def plan(api: Api, world: World, count: int = 3, **asked: Any) -> Any:
    ids = [letter.pk for letter in world.letters(count)]
    status, made = api("POST", "/replay-plans", {"scope": {"ids": ids}, **asked})
    assert status == 201, made
    return made


def start(api: Api, made: Any, *, who: str = "operator") -> tuple[int, Any]:
    return api("POST", "/replays", {"plan": made["id"], "hash": made["hash"], "reason": "fixed"}, who=who)


def test_a_plan_counts_and_its_hash_starts_the_run(api: Api, world: World) -> None:
    made = plan(api, world, rate=25)
    assert (made["letters"], made["rate"], made["target"]) == (3, 25, {"kind": "origin"})
    assert made["counts"]["by_topic"] == {"orders": 3}
    assert made["counts"]["by_age"] == {"under 1 h": 3}
    assert made["replay"] is None
    status, run = start(api, made)
    assert (status, run["state"], run["counts"]["planned"], run["actor"]) == (201, "running", 3, "operator/test")
    assert start(api, made) == (200, run)
    assert api("GET", f"/replay-plans/{made['id']}")[1]["replay"] == run["id"]
    assert [each["id"] for each in api("GET", "/replays")[1]["items"]] == [run["id"]]


def test_items_have_receipts_and_pages(api: Api, world: World) -> None:
    _, run = start(api, plan(api, world, 5))
    from dlq.models import Replay

    world.send_all(Replay.objects.get())
    status, page = api("GET", f"/replays/{run['id']}/items?limit=2")
    assert (status, len(page["items"]), page["next"]) == (200, 2, 2)
    seen = page["items"]
    while page["next"] is not None:
        _, page = api("GET", f"/replays/{run['id']}/items?limit=2&cursor={page['next']}")
        seen += page["items"]
    assert [item["position"] for item in seen] == [1, 2, 3, 4, 5]
    assert {(item["state"], item["topic"], len(item["sha256"])) for item in seen} == {("sent", "orders", 64)}
    assert api("GET", f"/replays/{run['id']}/items?state=confirmed")[1] == {"items": [], "next": None}
    assert api("GET", f"/replays/{run['id']}")[1]["counts"]["sent"] == 5


def test_pause_resume_rate_and_cancellation(api: Api, world: World) -> None:
    _, run = start(api, plan(api, world))
    path = f"/replays/{run['id']}"
    assert api("POST", f"{path}/pause")[1]["state"] == "paused"
    status, problem = api("POST", f"{path}/pause")
    assert (status, problem["code"]) == (409, "run-state")
    assert api("PUT", f"{path}/rate", {"rate": 3})[1]["rate"] == 3
    assert api("DELETE", f"{path}/pause")[1]["state"] == "running"
    status, cancelled = api("POST", f"{path}/cancellation")
    assert (status, cancelled["state"], cancelled["counts"]["cancelled"]) == (200, "cancelled", 3)
    assert set(Letter.objects.values_list("state", flat=True)) == {"open"}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/replay-plans", {"scope": {"ids": [1]}}),
        ("POST", "/replays", {"plan": "PLAN", "hash": "x", "reason": "y"}),
        ("POST", "/replays/RUN/pause", None),
        ("DELETE", "/replays/RUN/pause", None),
        ("POST", "/replays/RUN/cancellation", None),
        ("PUT", "/replays/RUN/rate", {"rate": 1}),
        ("PUT", "/replays/RUN/consumer-group", {"group": "g", "reason": "r"}),
        ("POST", "/discards", {"scope": {"filter": "topic:orders"}, "reason": "x"}),
    ],
)
def test_a_viewer_may_look_but_not_act(api: Api, world: World, method: str, path: str, body: Any) -> None:
    made = plan(api, world)
    _, run = start(api, made)
    path = path.replace("RUN", str(run["id"]))
    if body and body.get("plan"):
        body = {**body, "plan": made["id"]}
    if path == "/discards":
        body = {"scope": {"ids": [letter.pk for letter in world.letters(1, start=50)]}, "reason": "x"}
    status, problem = api(method, path, body, who="viewer")
    assert (status, problem["code"]) == (403, "denied"), problem
    assert api(method, path, body, who="")[0] == 401
    assert api("GET", f"/replays/{run['id']}", who="viewer")[0] == 200


def test_runs_of_topics_out_of_scope_do_not_exist(api: Api, world: World) -> None:
    made = plan(api, world)
    _, run = start(api, made)
    for path in (f"/replays/{run['id']}", f"/replays/{run['id']}/items", f"/replay-plans/{made['id']}"):
        assert api("GET", path, who="limited")[0] == 404
    assert api("GET", "/replays", who="limited")[1] == {"items": [], "next": None}
    assert api("POST", f"/replays/{run['id']}/pause", who="limited")[0] == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"scope": {}}, "bad-scope"),
        ({"scope": {"ids": []}}, "bad-scope"),
        ({"scope": {"ids": [0]}}, "bad-scope"),
        ({"scope": {"ids": [2**63]}}, "bad-scope"),
        ({"scope": {"ids": [True]}}, "bad-scope"),
        ({"scope": {"ids": [1], "group": 2}}, "bad-scope"),
        ({"scope": {"ids": [1]}, "rate": 0}, "bad-plan"),
        ({"scope": {"ids": [1]}, "rate": 1e9}, "bad-plan"),
        ({"scope": {"ids": [1]}, "target": {"kind": "topic"}}, "bad-plan"),
        ({"scope": {"ids": [1]}, "target": {"kind": "moon"}}, "invalid"),
        ({"scope": {"ids": [1]}, "target": {"kind": "topic", "topic": "a\x00b"}}, "invalid"),
        ({"scope": {"ids": [1]}, "include": ["everything"]}, "bad-plan"),
        ({"scope": {"ids": [1]}, "failed_limit": 2}, "bad-plan"),
        ({"scope": {"filter": "nonsense:1"}}, "bad-search"),
        ({}, "invalid"),
        ([], "invalid"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(api: Api, world: World, body: Any, code: str) -> None:
    status, problem = api("POST", "/replay-plans", body)
    assert (status, problem["code"]) == (422, code), problem
    assert problem["detail"]


def test_wrong_hash_empty_reason_and_unknown_plan_are_refused(api: Api, world: World) -> None:
    made = plan(api, world)
    wrong = {"plan": made["id"], "hash": "0", "reason": "x"}
    assert api("POST", "/replays", wrong)[1]["code"] == "plan-changed"
    assert api("POST", "/replays", {**wrong, "hash": made["hash"], "reason": " "})[1]["code"] == "reason-required"
    assert api("POST", "/replays", {**wrong, "plan": made["id"] + 1})[0] == 404


@pytest.mark.parametrize(
    ("scope", "code"), [({"group": 987_654}, "no-such-group"), ({"failed_of": 987_654}, "no-such-replay")]
)
@pytest.mark.parametrize(("path", "more"), [("/replay-plans", {}), ("/discards", {"reason": "x"})])
def test_a_group_or_a_run_that_there_is_not_is_no_empty_scope(
    api: Api, world: World, path: str, more: dict[str, Any], scope: dict[str, int], code: str
) -> None:
    world.letters(1)
    status, problem = api("POST", path, {"scope": scope, **more})
    assert (status, problem["code"]) == (404, code), problem
    assert api("POST", path, {"scope": scope, **more}, who="viewer")[0] == 403


@pytest.mark.parametrize(("path", "more"), [("/replay-plans", {}), ("/discards", {"reason": "x"})])
def test_a_hidden_run_answers_as_one_that_there_is_not(api: Api, world: World, path: str, more: dict[str, Any]) -> None:
    _, run = start(api, plan(api, world))
    hidden, unknown = (
        api("POST", path, {"scope": {"failed_of": number}, **more}, who="limited") for number in (run["id"], 987_654)
    )
    assert hidden[0] == unknown[0] == 404
    assert (hidden[1]["code"], hidden[1]["detail"]) == (unknown[1]["code"], unknown[1]["detail"])
    assert api("POST", "/replay-plans", {"scope": {"failed_of": run["id"]}})[0] == 201


def test_the_target_may_be_a_word(api: Api, world: World) -> None:
    assert plan(api, world, target="group")["target"] == {"kind": "group"}


def test_naming_a_group_where_none_is_missing_is_refused(api: Api, world: World) -> None:
    run = world.approve(*world.letters(1))
    world.send_all(run)
    status, problem = api("PUT", f"/replays/{run.pk}/consumer-group", {"group": "other", "reason": "we asked them"})
    assert (status, problem["code"]) == (409, "nothing-groupless")
    assert run.items.get().consumer_group == "billing"
    assert Entry.objects.order_by("-seq").values_list("act", "outcome")[0] == ("letters.settle", "refused")


@pytest.mark.parametrize("name", ["g" * 250, "ü" * 1_500, "  ", "\tgb", "gb ", "\u00a0", "a\x00b", "", "a\nb"])
def test_a_name_that_no_group_can_have_is_chosen_neither_by_api_nor_by_page(api: Api, world: World, name: str) -> None:
    run = world.approve(*world.letters(1, group=""))
    world.send_all(run)
    status, problem = api("PUT", f"/replays/{run.pk}/consumer-group", {"group": name, "reason": "theirs"})
    assert (status, problem["code"] in ("bad-plan", "invalid")) == (422, True), problem
    page = Client()
    page.force_login(account(Role.OPERATOR, name="bo").user)
    page.post(f"/replays/{run.pk}/consumer-group/", {"group": name, "reason": "theirs"})
    assert run.items.get().consumer_group == ""
