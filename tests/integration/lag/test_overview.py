"""What lag tells the console's front page, timeline, search and doctor."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reliability.access.domain.roles import Role
from reliability.console.domain.values import Fact, Subject
from reliability.console.registry import REGISTRY
from reliability.kernel import clock
from reliability.lag.domain.values import Word
from reliability.lag.models import Alert, Mute
from reliability.lag.queries import overview
from tests.support import lag
from tests.support.actors import actor
from tests.support.lag import Seen

pytestmark = pytest.mark.django_db

EVERYBODY = actor(Role.VIEWER)


def tile() -> tuple[str, str, str]:
    shown = overview.tile(actor=EVERYBODY, now=clock.SYSTEM.now())
    return shown.value, shown.word, shown.status


def test_the_tile_says_the_worst_word_and_what_waits() -> None:
    assert tile() == ("—", "No data", "unknown")
    lag.cluster()
    assert tile() == ("0", "No groups", "unknown")
    lag.group("a", [lag.part(lag=3)])
    assert tile() == ("3", "Keeping up", "ok")
    lag.group("u", [lag.part(word=Word.UNKNOWN, lag=None)])
    assert tile() == ("3", "1 unknown", "unknown")
    worst = lag.group("b", [lag.part(word=Word.STALL, lag=1_200)])
    now = clock.SYSTEM.now()
    lag.minutes(worst, {2: Seen(lag=4)}, now=now)
    assert tile() == ("1,203", "1 stalled", "crit")
    points = overview.tile(actor=EVERYBODY, now=now).points
    assert (points[-2], points[-1]) == (4, None), "the hour of the worst one, with its gaps"
    lag.group("c", [lag.part(word=Word.WARN, lag=0)])
    assert tile()[1] == "2 in trouble"


def test_figures_that_are_old_are_not_told_as_those_of_now() -> None:
    lag.group("a", [lag.part(lag=3)])
    lag.cluster(now=clock.SYSTEM.now() - timedelta(minutes=5))
    assert tile() == ("3", "Not up to date", "unknown")
    lag.cluster(error="down")
    assert tile()[1] == "Not up to date"


def test_only_what_is_unknown_of_every_group_has_no_number() -> None:
    lag.group("u", [lag.part(word=Word.UNKNOWN, lag=None)])
    assert tile()[0] == "?"


def test_groups_in_trouble_are_items_with_reason_and_first_cause() -> None:
    def explain(subject: Subject, window: timedelta) -> list[Fact]:
        named = subject.kind == "group" and subject.name == "billing"
        return [Fact(kind="t", text="breaker psp is open", since=None, severity="crit")] if named else []

    group = lag.group("billing", [lag.part(word=Word.STALL, lag=1_204, at_least=True)], trend="growing", loss_s=7_200.0)
    lag.group("fine", [lag.part(lag=9)])
    lag.group("unknown", [lag.part(word=Word.UNKNOWN, lag=None)])
    REGISTRY.causes.append(explain)
    try:
        (item,) = overview.attention(actor=EVERYBODY, now=clock.SYSTEM.now())
    finally:
        REGISTRY.causes.remove(explain)
    assert (item.id, item.word, item.status) == (f"lag:group:{group.pk}", "Stalled", "crit")
    assert item.title == "billing: 1,204 records wait, ≥ 12 min behind"
    assert item.detail == (
        "orders 0: no commit for 50 s or longer while 1,204 records wait · breaker psp is open · growing,"
        " records lost in ~2 h"
    )
    assert (item.topics, item.act_label, item.act_url) == (("orders",), "Look", f"/lag/groups/{group.pk}/")
    assert item.since == group.word_since


def test_many_groups_are_named_in_part_and_a_silent_cluster_is_an_item() -> None:
    for number in range(8):
        lag.group(f"g{number}", [lag.part(word=Word.WARN, lag=number + 1)])
    lag.cluster("far", error="connection refused", error_since=clock.SYSTEM.now())
    items = overview.attention(actor=EVERYBODY, now=clock.SYSTEM.now())
    assert len(items) == 1 + overview.ITEMS_MAX + 1
    assert (items[0].id, items[0].is_cause) == ("lag:cluster:far", True)
    assert items[1].title.startswith("g7: 8 records wait")
    assert items[-1].title == "3 more consumer groups are behind or stuck"


def test_a_group_that_gets_on_but_has_an_alert_is_an_item_and_a_muted_one_is_none() -> None:
    now = clock.SYSTEM.now()
    slow = lag.group("slow", [lag.part(lag=900, lag_s=600.0)])
    muted = lag.group("muted", [lag.part(word=Word.STALL, lag=9)])
    Alert.objects.create(group=slow, kind="time_lag", phase="raised", since=now, raised_at=now, text="too far behind")
    Alert.objects.create(group=slow, kind="eta", phase="pending", since=now, text="not yet")
    Mute.objects.create(group=muted, until=now + timedelta(hours=1), by="ana", reason="a deploy", at=now)
    (item,) = overview.attention(actor=EVERYBODY, now=now)
    assert (item.id, item.word, item.status) == (f"lag:group:{slow.pk}", "Alert", "warn")
    assert item.detail.startswith("too far behind · ")
    (again,) = overview.attention(actor=EVERYBODY, now=now + timedelta(hours=2))[:1]
    assert again.id == f"lag:group:{muted.pk}", "a mute ends"


def test_what_happened_is_on_the_timeline_newest_first_under_the_groups_name() -> None:
    group = lag.group("billing")
    lag.event(group, "stalled", minutes_ago=9)
    lag.event(group, "keeps up", minutes_ago=2, status="ok")
    lag.event(group, "long ago", minutes_ago=90)
    rows = overview.timeline(clock.SYSTEM.now() - timedelta(hours=1), 10)
    assert [(row.text, row.status, row.topics) for row in rows] == [
        ("billing: keeps up", "ok", ("orders",)),
        ("billing: stalled", "crit", ("orders",)),
    ]
    assert len(overview.timeline(clock.SYSTEM.now() - timedelta(hours=3), 2)) == 2


def test_a_search_finds_groups_by_name_the_whole_name_first() -> None:
    lag.group("billing-replica", [lag.part(word=Word.STALL, lag=5)])
    lag.group("billing")
    lag.group("other", [lag.part("billing-topic")])
    assert [part.title for part in overview.find(EVERYBODY, "billing")] == ["billing", "billing-replica"]
    assert overview.find(EVERYBODY, " ") == []
    assert overview.find(EVERYBODY, "a\x00b") == []


def test_doctor_says_whether_lag_is_polled() -> None:
    now = clock.SYSTEM.now()
    assert overview.check(now=now).verdict == "warn"
    lag.group()
    assert (overview.check(now=now).verdict, overview.check(now=now).found) == ("ok", "1 group polled")
    assert overview.check(now=now + timedelta(minutes=10)).found == "not polled for minutes: main"
    lag.cluster(error="connection refused")
    found = overview.check(now=now)
    assert (found.verdict, found.found) == ("fail", "main: connection refused")
    assert found.remedy
