"""Whoever sees some topics only learns nothing of the lag of others: not on pages, not over the API, not by search."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from reliability.access import Role, operations
from reliability.console import figures
from reliability.console import queries as console_queries
from reliability.kernel import clock
from reliability.kernel.telemetry import names
from reliability.lag.domain.values import Word
from reliability.lag.models import Group, Topic
from reliability.lag.queries import clusters, groups, overview
from reliability.lag.queries.groups import Search
from tests.support import actors, lag
from tests.support.actors import actor
from tests.support.lag import Seen

pytestmark = pytest.mark.django_db

LIMITED = actor(Role.VIEWER, name="lim", topics=("stock*",))
SECRET = "payroll-salaries"
NUMBER = 777_123
"""The lag of what is hidden: it may stand nowhere."""


@dataclass
class World:
    hidden: Group
    both: Group
    hidden_topic: Topic
    topic: Topic


@pytest.fixture
def world() -> World:
    lag.poller()
    lag.cluster(error=f"no leader of {SECRET}", error_since=clock.SYSTEM.now())
    hidden = lag.group("hidden-group", [lag.part(SECRET, word=Word.STALL, lag=NUMBER)])
    both = lag.group(
        "both",
        [
            lag.part(SECRET, word=Word.TRUNCATED, lag=NUMBER, lost=NUMBER, owner=0),
            lag.part("stock", 0, lag=4, owner=1, reason="it gets on, 4 records behind"),
            lag.part("stock", 1, lag=1, owner=1),
        ],
        members=[lag.member(0, lag=NUMBER), lag.member(1, owns=9, lag=NUMBER + 5)],
        trend="growing",
        eta_s=1.0,
        loss_s=2.0,
        facts={"advice": f"{SECRET} needs more", "inflow_per_s": 5.0, "problem": f"{SECRET} cannot be read"},
    )
    lag.event(both, f"{SECRET} 0: records were lost")
    lag.event(hidden, f"{SECRET} stalled")
    lag.minutes(both, {1: Seen(lag=NUMBER)}, topic_name=SECRET)
    lag.minutes(both, {1: Seen(lag=5)}, topic_name="stock")
    return World(hidden, both, lag.topic(SECRET), lag.topic("stock"))


def assert_nothing_of_it(text: str) -> None:
    for word in (SECRET, "hidden-group", f"{NUMBER}", f"{NUMBER:,}", "worker-0"):
        assert word not in text, word


@pytest.fixture
def page(client: Client) -> Client:
    client.force_login(actors.account(Role.VIEWER, name="lim", topics=("stock*",)).user)
    return client


def test_pages_show_what_is_of_visible_topics(world: World, page: Client) -> None:
    addresses = ["/", "/lag/", f"/lag/groups/{world.both.pk}/", f"/lag/topics/{world.topic.pk}/", "/search/?q=both"]
    for address in addresses:
        answer = page.get(address)
        assert answer.status_code == 200, address
        assert_nothing_of_it(answer.content.decode())
    body = page.get(f"/lag/groups/{world.both.pk}/").content.decode()
    assert "worker-1" in body
    assert "<b>5</b><span>records behind" in body
    assert "Reset offsets" not in body


def test_a_hidden_group_or_topic_is_not_there(world: World, page: Client) -> None:
    missing = page.get(f"/lag/groups/{world.hidden.pk + 10_000}/").content.decode()
    for address in (f"/lag/groups/{world.hidden.pk}/", f"/lag/topics/{world.hidden_topic.pk}/"):
        answer = page.get(address)
        assert answer.status_code == 404
        assert_nothing_of_it(answer.content.decode())
    assert "404" in missing or "not" in missing.lower()


@pytest.mark.parametrize(
    "search",
    [
        Search(text="payroll"),
        Search(text="hidden"),
        Search(topic=SECRET),
        Search(word="TRUNCATED"),
        Search(word="STALL"),
    ],
)
def test_no_filter_finds_by_what_is_hidden(world: World, search: Search) -> None:
    assert groups.page(actor=LIMITED, search=search).rows == []


def test_the_visible_part_of_a_group_is_found_and_judged_by_itself(world: World) -> None:
    (row,) = groups.page(actor=LIMITED, search=Search(text="stock", word="OK")).rows
    assert (row.name, row.word, row.lag, row.partitions, row.lost) == ("both", Word.OK, 5, 2, 0)
    assert (row.is_limited, row.reason, row.trend, row.eta_s, row.loss_s, row.members) == (
        True,
        "",
        "",
        None,
        None,
        None,
    )
    assert (row.word_since, row.inflow_per_s) == (None, None)
    assert row.points[-1] == 5
    standing = groups.standing(actor=LIMITED)
    assert (standing.groups, standing.lag, standing.words) == (1, 5, {Word.OK: 1})


def test_members_are_those_that_own_something_visible(world: World) -> None:
    _, _, partitions, (member,) = groups.one(actor=LIMITED, group_id=world.both.pk)
    assert (member.client_id, member.owns, member.lag) == ("worker-1", 2, 5)
    assert [(each.topic, each.owner) for each in partitions] == [("stock", 0), ("stock", 0)]


def test_the_overview_and_the_search_say_nothing_of_it(world: World) -> None:
    now = clock.SYSTEM.now()
    told = [
        overview.tile(actor=LIMITED, now=now),
        console_queries.attention(actor=LIMITED).items,
        console_queries.timeline(actor=LIMITED, since=now - timedelta(days=1)),
        overview.find(LIMITED, "hidden"),
        overview.find(LIMITED, SECRET),
        overview.find(LIMITED, "both"),
        clusters.polling(actor=LIMITED),
    ]
    assert_nothing_of_it(repr(told))
    assert overview.find(LIMITED, "hidden-group") == []
    assert [part.title for part in overview.find(actor(Role.VIEWER), "hidden-group")] == ["hidden-group"]


def test_an_item_of_a_group_that_is_seen_in_part_is_about_that_part(world: World) -> None:
    lag.group("mixed", [lag.part(SECRET, lag=NUMBER), lag.part("stock", word=Word.STALL, lag=9)])
    items = [item for item in console_queries.attention(actor=LIMITED).items if item.id.startswith("lag:group:")]
    assert [(item.word, item.topics) for item in items] == [("Stalled", ("stock",))]
    assert items[0].title == "mixed: 9 records wait, 12 min behind"


def token(**rights: Any) -> dict[str, str]:
    account = actors.account(Role.VIEWER, **rights)
    made = operations.issue_token(account=account, name="t", life=timedelta(hours=1), now=clock.SYSTEM.now())
    return {"Authorization": f"Bearer {made.secret}"}


def test_the_api_says_nothing_of_it(world: World, client: Client) -> None:
    headers = token(name="lim", topics=("stock*",))
    both = f"/api/v1/lag/groups/{world.both.pk}"
    for path in (
        "/api/v1/lag/groups",
        "/api/v1/lag/groups?text=payroll",
        both,
        f"{both}/history",
        f"{both}/history?topic={SECRET}",
        f"/api/v1/lag/topics/{world.topic.pk}",
        "/api/v1/lag/clusters",
        "/api/v1/overview",
    ):
        answer = client.get(path, headers=headers)
        assert answer.status_code == 200, path
        assert_nothing_of_it(answer.content.decode())
    hidden = [
        f"lag/groups/{world.hidden.pk}",
        f"lag/groups/{world.hidden.pk}/history",
        f"lag/topics/{world.hidden_topic.pk}",
    ]
    for path in hidden:
        assert client.get(f"/api/v1/{path}", headers=headers).status_code == 404
    assert json.loads(client.get(both, headers=headers).content)["facts"] == {}


def test_figures_that_name_topics_are_for_who_sees_every_one(world: World, client: Client) -> None:
    whole = client.get("/metrics", headers=token(name="all"), REMOTE_ADDR="10.1.1.1").content.decode()
    assert f'topic="{SECRET}"' in whole
    part = client.get("/metrics", headers=token(name="lim", topics=("stock*",)), REMOTE_ADDR="10.1.1.1")
    assert part.status_code == 200
    assert_nothing_of_it(part.content.decode())
    assert "mainstay_letters" in part.content.decode()
    assert {metric.name for metric, _, _ in figures.read(with_topics=False)}.isdisjoint(
        {metric.name for metric in names.ALL.values() if metric.foreign and "group" in metric.labels}
    )


def test_without_a_role_there_is_nothing(world: World, client: Client) -> None:
    nobody = actor(None)
    assert groups.page(actor=nobody).rows == []
    assert overview.find(nobody, "both") == []
    account = actors.account(Role.VIEWER, name="norole")
    user = account.user
    account.delete()
    client.force_login(user)
    assert client.get("/lag/").status_code == 403
