"""Lag over REST."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from reliability.access import Role, operations
from reliability.kernel import clock
from reliability.lag.domain.values import Word
from tests.support import actors, lag
from tests.support.lag import Seen

pytestmark = pytest.mark.django_db


@pytest.fixture
def headers() -> dict[str, str]:
    account = actors.account(Role.VIEWER, name="vito")
    made = operations.issue_token(account=account, name="t", life=timedelta(hours=1), now=clock.SYSTEM.now())
    return {"Authorization": f"Bearer {made.secret}"}


@pytest.fixture
def get(client: Client, headers: dict[str, str]) -> Any:
    def call(path: str, *, status: int = 200) -> Any:
        answer = client.get(f"/api/v1/lag/{path}", headers=headers)
        assert answer.status_code == status, answer.content
        return answer.json()

    return call


def test_it_lists_groups_with_filters_and_pages(get: Any) -> None:
    lag.group("a", [lag.part(word=Word.STALL, lag=9)], members=[lag.member()])
    lag.group("b", [lag.part("stock", lag=3)])
    lag.group("gamma", [lag.part("stock", lag=2)])
    first = get("groups?limit=2")
    assert [each["name"] for each in first["items"]] == ["a", "b"]
    assert [each["name"] for each in get(f"groups?limit=2&cursor={first['next']}")["items"]] == ["gamma"]
    assert get(f"groups?limit=2&cursor={first['next']}")["next"] is None
    assert [each["name"] for each in get("groups?word=STALL")["items"]] == ["a"]
    assert [each["name"] for each in get("groups?topic=stock&text=gam")["items"]] == ["gamma"]
    assert get("groups?cluster=far")["items"] == []
    shown = first["items"][0]
    assert (shown["word"], shown["status"], shown["lag"], shown["members"]) == ("STALL", "crit", 9, 1)
    assert (shown["lag_seconds"], shown["lag_seconds_at_least"], shown["limited"]) == (720.0, False, False)


def test_it_shows_one_group_whole(get: Any) -> None:
    group = lag.group(
        "a",
        [lag.part(word=Word.STALL, lag=9, owner=0), lag.part(partition=1, owner=-1, leader=-1)],
        members=[lag.member(0, lag=9, instance="i-0")],
        facts={"inflow_per_s": 2.5, "advice": "enough"},
    )
    shown = get(f"groups/{group.pk}")
    assert [(each["partition"], each["owner"], each["leader"]) for each in shown["partition_rows"]] == [
        (0, 0, 1),
        (1, None, None),
    ]
    assert shown["member_rows"][0]["instance_id"] == "i-0"
    assert (shown["inflow_per_second"], shown["facts"]["advice"], shown["causes"]) == (2.5, "enough", [])
    assert get("groups/999", status=404)["code"] == "no-such-group"


def test_it_shows_a_history_with_its_gaps(get: Any) -> None:
    group = lag.group()
    now = clock.SYSTEM.now()
    lag.minutes(group, {2: Seen(lag=5, consumed=60, produced=90), 4: Seen(lag=7)}, now=now)
    lag.minutes(group, {2: Seen(lag=1)}, topic_name="stock", now=now)
    shown = get(f"groups/{group.pk}/history")
    assert shown["step_seconds"] == 60
    known = [(lag_, came) for lag_, came in zip(shown["lag"], shown["produced"], strict=True) if lag_ is not None]
    assert known == [(7, 600), (6, 690)]
    alone = get(f"groups/{group.pk}/history?topic=stock")
    assert [each for each in alone["lag"] if each is not None] == [1]


@pytest.mark.parametrize(
    "asked",
    ["since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", "since=2020-01-01T00:00:00Z", "since=yesterday"],
)
def test_a_range_that_is_none_is_refused(get: Any, asked: str) -> None:
    group = lag.group()
    get(f"groups/{group.pk}/history?{asked}", status=422)


@pytest.mark.parametrize("asked", ["word=FINE", "limit=0", "limit=9999", "cursor=x", "text=%00"])
def test_a_question_that_is_none_is_refused(get: Any, asked: str) -> None:
    get(f"groups?{asked}", status=422)


def test_it_shows_a_topic_and_the_clusters(get: Any) -> None:
    lag.cluster(
        error="connection refused",
        error_since=clock.SYSTEM.now(),
        facts={"asks": "40 requests a minute of broker 1; no limit is set.", "left_out": 2},
    )
    lag.group("a", [lag.part(lag=9), lag.part("stock", lag=2)])
    topic = lag.topic(rows=[[0, -1, None, None, None, "no leader"]])
    shown = get(f"topics/{topic.pk}")
    assert shown["partitions"] == [
        {"partition": 0, "leader": None, "start": None, "end": None, "stable_end": None, "problem": "no leader"}
    ]
    assert [(each["name"], each["lag"]) for each in shown["groups"]] == [("a", 9)]
    clusters = get("clusters")
    assert clusters["polling"] is False
    (cluster,) = clusters["items"]
    assert (cluster["error"], cluster["asks"][:2], cluster["left_out"]) == ("connection refused", "40", 2)
    lag.poller()
    assert get("clusters")["polling"] is True
    assert get("topics/999", status=404)["code"] == "no-such-topic"


def test_topics_are_found_by_name_and_page_by_page(get: Any) -> None:
    ids = [lag.topic(name).pk for name in ("a", "b", "c")]
    lag.topic("a", cluster_name="far")
    first = get("topics?limit=2")
    assert [each["name"] for each in first["items"]] == ["a", "b"]
    assert [each["name"] for each in get(f"topics?limit=2&cursor={first['next']}")["items"]] == ["c", "a"]
    assert [each["id"] for each in get("topics?name=b")["items"]] == [ids[1]]
    assert get(f"topics/{ids[1]}")["name"] == "b"
    get("topics?name=%00", status=422)
    get("topics?cursor=x", status=422)


def test_what_happened_is_listed(get: Any) -> None:
    group = lag.group("a", [lag.part()])
    lag.event(group, "STALL: it hangs")
    (event,) = get(f"groups/{group.pk}/events")["items"]
    assert (event["kind"], event["status"], event["text"]) == ("machine", "crit", "STALL: it hangs")
    get("groups/999999/events", status=404)


@pytest.mark.parametrize(
    "asked", ["until=0001-01-01T00:00:00Z", "since=9999-12-31T23:59:59Z", "since=0001-01-01T00:00:00Z"]
)
def test_a_history_at_the_ends_of_time_is_refused(get: Any, asked: str) -> None:
    get(f"groups/{lag.group('a', [lag.part()]).pk}/history?{asked}", status=422)
