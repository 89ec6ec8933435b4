"""Resets over REST: planned, applied by hash, undone, with the same rights as the pages."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from reliability.access import Role, operations
from reliability.kernel import clock
from reliability.kernel.record import TopicPartition
from reliability.lag.models import Group, Reset
from tests.integration.lag.resetting import commits
from tests.integration.lag.world import World
from tests.support import actors, lag
from tests.support.lag import Seen

pytestmark = pytest.mark.django_db(transaction=True)


class Api:
    """A client with tokens of an operator, a viewer, and operators who see one topic only."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tokens = {}
        for name, role, topics in (
            ("ana", Role.OPERATOR, ("*",)),
            ("vito", Role.VIEWER, ("*",)),
            ("some", Role.OPERATOR, ("orders",)),
            ("none", Role.OPERATOR, ("stock",)),
        ):
            account = actors.account(role, name=name, topics=topics)
            made = operations.issue_token(account=account, name="t", life=timedelta(days=30), now=world.time.now())
            self.tokens[name] = made.secret

    def __call__(self, method: str, path: str, body: Any = None, *, who: str = "ana") -> tuple[int, Any]:
        text = body if isinstance(body, str) else json.dumps(body)
        answer = Client().generic(
            method,
            f"/api/v1/lag{path}",
            data="" if body is None else text,
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.tokens[who]}"},
        )
        return answer.status_code, answer.json()

    def plan(self, to: Any, *, who: str = "ana", **more: Any) -> tuple[int, Any]:
        return self("POST", f"/groups/{Group.objects.get().pk}/resets", {"to": to, **more}, who=who)


@pytest.fixture
def api(stopped: World) -> Api:
    return Api(stopped)


def test_it_is_planned_applied_by_its_hash_read_and_undone(api: Api, stopped: World) -> None:
    status, plan = api.plan("earliest")
    assert status == 201
    assert (plan["state"], plan["replayed"], plan["skipped"]) == ("planned", 140, 0)
    assert plan["sentence"] == "billing goes on 140 records earlier: 140 will be read again, none skipped."
    assert [(row["before"], row["after"], row["replayed"]) for row in plan["rows"]] == [(60, 5, 55), (90, 5, 85)]
    assert commits(stopped) == [60, 90]
    asked = {"hash": plan["hash"], "reason": "a bug is fixed"}
    status, done = api("POST", f"/resets/{plan['id']}/application", asked)
    assert (status, done["state"], done["applied_by"]) == (200, "applied", "ana/t")
    assert commits(stopped) == [5, 5]
    stopped.polls()
    status, back = api("POST", f"/resets/{plan['id']}/undo")
    assert (status, back["undoes"], back["skipped"]) == (201, plan["id"], 140)
    api("POST", f"/resets/{back['id']}/application", {"hash": back["hash"], "reason": "the wrong group"})
    assert commits(stopped) == [60, 90]
    assert api("GET", f"/resets/{plan['id']}")[1]["undone_by"] == back["id"]
    assert api("POST", f"/resets/{plan['id']}/undo")[1]["code"] == "plan-used"


@pytest.mark.parametrize(
    ("to", "after"),
    [
        ("latest", [100, 100]),
        ({"time": "2026-01-01T00:00:00+01:00"}, [100, 100]),
        ({"offset": 70}, [70, 70]),
        ({"shift": -20}, [40, 70]),
        ({"offsets": [{"topic": "orders", "partition": 1, "offset": 9}]}, [9]),
    ],
)
def test_every_target_is_planned(api: Api, to: Any, after: list[int]) -> None:
    status, plan = api.plan(to)
    assert (status, [row["after"] for row in plan["rows"]]) == (201, after)


@pytest.mark.parametrize(
    ("to", "more"),
    [
        ("yesterday", {}),
        ("file", {}),
        (None, {}),
        ({}, {}),
        ({"time": "2026-01-01T00:00:00"}, {}),
        ({"time": "0001-01-01T00:00:00+14:00"}, {}),
        ({"time": 10**300}, {}),
        ({"time": "1969-01-01T00:00:00Z"}, {}),
        ({"offset": -1}, {}),
        ({"offset": 2**63}, {}),
        ({"offset": "7"}, {}),
        ({"offset": 1.5}, {}),
        ({"offset": True}, {}),
        ({"shift": 0}, {}),
        ({"shift": -(2**63)}, {}),
        ({"offset": 7, "shift": 7}, {}),
        ({"offsets": []}, {}),
        ({"offsets": [{"topic": "orders", "partition": 0}]}, {}),
        ({"offsets": [{"topic": "or\x00ders", "partition": 0, "offset": 1}]}, {}),
        ({"offsets": [{"topic": "orders", "partition": 2**31, "offset": 1}]}, {}),
        ({"offsets": [{"topic": "orders", "partition": 0, "offset": 1}] * 2}, {}),
        ("earliest", {"topics": []}),
        ("earliest", {"topics": ["no-such"]}),
        ("earliest", {"topics": ["\x00"]}),
        ("earliest", {"topic": "orders"}),
    ],
    ids=lambda each: str(each)[:60].encode("unicode_escape").decode(),
)
def test_what_means_nothing_is_a_problem_and_plans_nothing(api: Api, to: Any, more: dict[str, Any]) -> None:
    status, problem = api.plan(to, **more)
    assert status == 422, problem
    assert problem["detail"]
    assert not Reset.objects.exists()


def test_more_offsets_than_a_request_may_carry_are_refused(api: Api) -> None:
    many = [{"topic": "o", "partition": number, "offset": 1} for number in range(100_001)]
    status, problem = api.plan({"offsets": many})
    assert (status, problem["code"]) == (413, "too-large")


def test_what_cannot_be_done_is_a_problem_with_its_code(api: Api, stopped: World) -> None:
    _, plan = api.plan("earliest")
    path = f"/resets/{plan['id']}/application"
    assert api("POST", path, {"hash": "0" * 64, "reason": "x"})[1]["code"] == "plan-changed"
    assert api("POST", path, {"hash": plan["hash"], "reason": " "})[1]["code"] == "reason-required"
    assert api("POST", path, {"hash": plan["hash"]})[0] == 422
    assert api("POST", f"/resets/{plan['id']}/undo")[1]["code"] == "not-applied"
    assert api.plan({"offsets": [{"topic": "orders", "partition": 0, "offset": 60}]})[1]["code"] == "nothing-to-reset"
    stopped.group("billing", stopped.member("one", 0, 1))
    status, problem = api("POST", path, {"hash": plan["hash"], "reason": "x"})
    assert (status, problem["code"]) == (409, "reset-forbidden")
    assert "stop its consumers" in problem["detail"]
    stopped.broker.go_away()
    status, problem = api.plan("latest")
    assert (status, problem["code"]) == (503, "cluster-silent")
    stopped.broker.come_back()
    assert commits(stopped) == [60, 90]


def test_a_viewer_reads_and_does_not_act(api: Api) -> None:
    assert api.plan("earliest", who="vito")[0] == 403
    _, plan = api.plan("earliest")
    assert api("GET", f"/resets/{plan['id']}", who="vito")[1]["replayed"] == 140
    asked = {"hash": plan["hash"], "reason": "x"}
    assert api("POST", f"/resets/{plan['id']}/application", asked, who="vito")[0] == 403
    assert api("POST", f"/resets/{plan['id']}/undo", who="vito")[0] == 403


def test_topics_out_of_sight_never_appear_and_are_not_touched(api: Api, stopped: World) -> None:
    stopped.broker.admin().create_topics({"secret": 1})
    stopped.broker.group("billing").committed[TopicPartition("secret", 0)] = 8
    stopped.play.ends[TopicPartition("secret", 0)] = 20
    stopped.polls(2)
    _, whole = api.plan("earliest")
    assert whole["topics"] == ["orders", "secret"]
    status, seen = api("GET", f"/resets/{whole['id']}", who="some")
    assert (status, seen["replayed"], seen["rows_hidden"], seen["topics"]) == (200, 140, 1, ["orders"])
    assert "secret" not in json.dumps(seen)
    asked = {"hash": whole["hash"], "reason": "x"}
    status, problem = api("POST", f"/resets/{whole['id']}/application", asked, who="some")
    assert (status, "secret" in json.dumps(problem)) == (403, False)
    assert api.plan("earliest", who="some", topics=["secret"])[0] == 422
    _, mine = api.plan("earliest", who="some")
    assert {row["topic"] for row in mine["rows"]} == {"orders"}
    for method, path in (
        ("GET", f"/resets/{whole['id']}"),
        ("POST", f"/resets/{whole['id']}/undo"),
        ("GET", "/resets/999999999"),
    ):
        assert api(method, path, who="none")[0] == 404
    assert api.plan("earliest", who="none")[0] == 404
    assert api("POST", f"/resets/{whole['id']}/application", asked, who="none")[0] == 404


def test_a_topic_of_which_no_row_is_left_and_the_reason_stay_out_of_sight(api: Api, stopped: World) -> None:
    stopped.broker.admin().create_topics({"secret": 1})
    stopped.broker.group("billing").committed[TopicPartition("secret", 0)] = 8
    stopped.play.ends[TopicPartition("secret", 0)] = 20
    stopped.polls(2)
    _, plan = api.plan("earliest")
    api("POST", f"/resets/{plan['id']}/application", {"hash": plan["hash"], "reason": "secret was paid twice"})
    Reset.objects.update(rows=[row for row in Reset.objects.get().rows if row[0] == "orders"])
    _, seen = api("GET", f"/resets/{plan['id']}", who="some")
    assert (seen["topics"], seen["reason"]) == (["orders"], "")
    assert "secret" not in json.dumps(seen)
    (listed,) = api("GET", f"/groups/{seen['group']}/resets", who="some")[1]["items"]
    assert "secret" not in json.dumps(listed)
    assert api("GET", f"/groups/{seen['group']}/resets")[1]["items"][0]["reason"] == "secret was paid twice"
    assert api("GET", f"/groups/{seen['group']}/resets", who="none")[0] == 404


def test_offsets_outside_the_topics_that_were_chosen_are_refused(api: Api, stopped: World) -> None:
    offsets = {"offsets": [{"topic": "orders", "partition": 0, "offset": 7}]}
    status, problem = api.plan(offsets, topics=["stock"])
    assert status == 422
    assert "none of the topics that you chose" in problem["detail"]
    assert api.plan(offsets, topics=["orders"])[0] == 201


def test_the_description_of_the_api_names_it(api: Api) -> None:
    found = Client().get("/api/v1/openapi.json").json()["paths"]
    described = found["/api/v1/lag/groups/{group_id}/resets"]["post"]
    assert described["operationId"] == "plan_lag_reset"
    assert "Changes nothing" in described["description"]


def test_how_long_it_takes_is_told_by_backlogs_and_not_by_what_came_in(api: Api) -> None:
    behind = {back: Seen(lag=9_000 - back, consumed=60) for back in range(10, 20)}
    kept_up = {back: Seen(lag=2, consumed=6) for back in range(30, 60)}
    lag.minutes(Group.objects.get(), behind | kept_up | {20: Seen(lag=9_000, consumed=0)})
    _, plan = api.plan("earliest")
    assert plan["forecast"].startswith("190 records will wait, for about 3 min at 1/s, its pace with a backlog")
    Reset.objects.update(state="applied")
    assert api("GET", f"/resets/{plan['id']}")[1]["forecast"] == ""


def test_what_a_reset_skipped_was_not_read(api: Api) -> None:
    now = clock.SYSTEM.now()
    lag.minutes(Group.objects.get(), {7: Seen(lag=9_000, consumed=0), 6: Seen(lag=0, consumed=9_000)}, now=now)
    _, plan = api.plan("latest")
    _, plan = api.plan("earliest")
    assert "at 150/s" in plan["forecast"]
    Reset.objects.exclude(pk=plan["id"]).update(state="applied", applied_at=now - timedelta(minutes=6))
    assert "not seen to work off a backlog" in api("GET", f"/resets/{plan['id']}")[1]["forecast"]
