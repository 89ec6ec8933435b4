"""Groups to look at: order, pages, search, what waits in all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reliability.access.domain.roles import Role
from reliability.kernel import clock
from reliability.lag.domain.values import Word
from reliability.lag.queries import groups
from reliability.lag.queries.groups import BadCursor, NoSuchGroup, Search
from tests.support import lag
from tests.support.actors import actor
from tests.support.lag import Seen

pytestmark = pytest.mark.django_db

EVERYBODY = actor(Role.VIEWER)


def names(search: Search = groups.EVERYTHING) -> list[str]:
    return [row.name for row in groups.page(actor=EVERYBODY, search=search).rows]


def test_the_worst_come_first_and_of_these_those_that_are_most_behind() -> None:
    lag.group("fine")
    lag.group("behind", [lag.part(lag=9_000)])
    lag.group("stalled", [lag.part(word=Word.STALL, lag=3)])
    lag.group("lost", [lag.part(word=Word.TRUNCATED, lag=1, lost=4)])
    lag.group("unknown", [lag.part(word=Word.UNKNOWN, lag=None)])
    assert names() == ["lost", "stalled", "unknown", "behind", "fine"]


@pytest.mark.parametrize("topics", [("*",), ("o*",)])
def test_pages_hold_every_group_once(topics: tuple[str, ...]) -> None:
    for number in range(7):
        lag.group(f"g{number}", [lag.part(lag=number // 2), lag.part("hidden")])
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        found = groups.page(actor=actor(Role.VIEWER, topics=topics), cursor=cursor, limit=2)
        assert len(found.rows) <= 2
        seen += [row.name for row in found.rows]
        cursor = found.next
    assert sorted(seen) == [f"g{number}" for number in range(7)]
    assert seen[0] == "g6"


@pytest.mark.parametrize("cursor", ["x", "1-2", "1-2-3-4", "-1-2-3", "1-2-9999999999999999999"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        groups.page(actor=EVERYBODY, cursor=cursor)


def test_parts_of_names_and_topics_are_found_and_all_words_must_fit() -> None:
    lag.group("Billing-worker", [lag.part("orders.v2")])
    lag.group("stock", [lag.part("stock")])
    assert names(Search(text="bill")) == ["Billing-worker"]
    assert names(Search(text="ORDERS.v2")) == ["Billing-worker"]
    assert names(Search(text="bill stock")) == []
    assert names(Search(text="%")) == [], "no wildcard"
    assert names(Search(topic="stock")) == ["stock"]
    assert names(Search(topic="stoc")) == []
    assert names(Search(text="a\x00")) == []


def test_a_row_has_the_last_hour_with_its_gaps() -> None:
    group = lag.group()
    lag.minutes(group, {1: Seen(lag=5), 3: Seen(lag=None), 60: Seen(lag=7), 61: Seen(lag=9)})
    (row,) = groups.page(actor=EVERYBODY).rows
    assert (row.points[-1], row.points[-2], row.points[-3], row.points[0]) == (5, None, None, 7)
    assert len(row.points) == 60


def test_members_of_a_stable_group_without_any_are_not_known() -> None:
    lag.group("told", members=[lag.member(0), lag.member(1)])
    lag.group("untold")
    lag.group("empty", [lag.part(word=Word.EMPTY)])
    assert {row.name: row.members for row in groups.page(actor=EVERYBODY).rows} == {
        "told": 2,
        "untold": None,
        "empty": 0,
    }


@pytest.mark.parametrize("topics", [("*",), ("orders*", "stock")])
def test_all_groups_in_a_few_figures(topics: tuple[str, ...]) -> None:
    lag.group("a", [lag.part(word=Word.STALL, lag=5)])
    lag.group("b", [lag.part("stock", word=Word.WARN, lag=7)])
    lag.group("c", [lag.part("stock", word=Word.UNKNOWN, lag=None)])
    lag.group("d", [lag.part(word=Word.DEAD)], gone_at=clock.SYSTEM.now() - timedelta(hours=1))
    found = groups.standing(actor=actor(Role.VIEWER, topics=topics))
    assert (found.groups, found.lag, found.in_trouble) == (3, 12, 2)
    assert found.words == {Word.STALL: 1, Word.WARN: 1, Word.UNKNOWN: 1, Word.DEAD: 1}


def test_of_nothing_known_the_lag_is_not_zero() -> None:
    assert groups.standing(actor=EVERYBODY).lag is None
    lag.group("c", [lag.part(word=Word.UNKNOWN, lag=None)])
    assert groups.standing(actor=EVERYBODY).lag is None


def test_a_topics_readers_are_shown_with_the_figures_of_that_topic() -> None:
    both = lag.group("both", [lag.part(lag=100), lag.part("stock", lag=3)], trend="growing")
    lag.minutes(both, {1: Seen(lag=100)})
    lag.minutes(both, {1: Seen(lag=3)}, topic_name="stock")
    (row,) = groups.of_topic(actor=EVERYBODY, cluster="main", topic="stock")
    assert (row.lag, row.points[-1], row.trend) == (3, 3, "")
    assert groups.of_topic(actor=EVERYBODY, cluster="far", topic="stock") == []


def test_a_group_that_is_not_there_is_refused() -> None:
    with pytest.raises(NoSuchGroup):
        groups.one(actor=EVERYBODY, group_id=1)


def test_a_list_takes_two_questions_however_long_it_is() -> None:
    for number in range(20):
        lag.group(f"g{number}")
    with CaptureQueriesContext(connection) as asked:
        rows = groups.page(actor=EVERYBODY).rows
        assert [row.members for row in rows] == [None] * 20
    assert len(asked) == 2
