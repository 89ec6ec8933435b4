"""The pages of the lag room, as they are rendered: words for what is known, for what is not, and for what is old."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from reliability.access import Role
from reliability.kernel import clock
from reliability.lag.domain.values import Word
from reliability.lag.models import Alert, Mute
from tests.support import actors, lag
from tests.support.lag import Seen

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client: Client) -> Client:
    client.force_login(actors.account(Role.VIEWER, name="vito").user)
    return client


def text(client: Client, path: str) -> str:
    """What a reader reads of a page."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.status_code
    body = re.sub(r"<(script|style|svg)\b.*?</\1>", "", answer.content.decode(), flags=re.DOTALL)
    return re.sub(r" (?=[:;,.])", "", " ".join(re.sub(r"<[^>]+>", " ", body).split()))


def test_the_list_says_who_is_behind_why_and_until_when(page: Client) -> None:
    lag.poller()
    lag.group(
        "payments-worker",
        [lag.part(word=Word.STALL, lag=1_204, at_least=True, lag_s=1_800.0)],
        trend="growing",
        loss_s=7_200.0,
        facts={"inflow_per_s": 130.0, "consumed_per_s": 10.0},
    )
    lag.group("stock-sync", [lag.part("stock", lag=50)], trend="shrinking", eta_s=240.0)
    shown = text(page, "/lag/")
    assert shown.index("payments-worker") < shown.index("stock-sync"), "the worst first"
    for words in (
        "Stalled",
        "1,204",
        "≥ 30 min behind",
        "growing 120/s",
        "records lost in ~2 h",
        "drains in ~4 min",
        "no commit for 50 s or longer while 1,204 records wait",
        "2 groups, 1,254 records wait",
    ):
        assert words in shown
    assert "Nobody polls" not in shown


def test_what_is_not_known_is_said_and_never_zero(page: Client) -> None:
    lag.group("quiet", [lag.part(word=Word.UNKNOWN, lag=None, reason="no leader")], members=())
    row = text(page, "/lag/").partition("quiet")[2]
    assert "not known" in row
    assert "time not known" in row
    assert "? stable, classic" in row, "no members of a stable group are members that were not told"


def test_a_word_a_name_a_topic_and_a_cluster_filter_the_list(page: Client) -> None:
    lag.group("a-stalled", [lag.part(word=Word.STALL, lag=9)])
    lag.group("b-fine", [lag.part("stock")])
    lag.group("c-far", [lag.part("stock")], cluster_name="far")
    assert "b-fine" not in text(page, "/lag/?word=stall")
    assert "a-stalled" not in text(page, "/lag/?q=stock")
    assert "c-far" not in text(page, "/lag/?q=stock&cluster=main")
    assert "No group matches" in text(page, "/lag/?q=nothing-like-it")
    assert "b-fine" in text(page, "/lag/?word=no-such-word"), "a word that is none asks for nothing"
    assert "No group matches" in text(page, "/lag/?q=%00")


def test_a_cursor_that_is_none_is_told(page: Client) -> None:
    lag.group()
    assert "This is no place in a list of groups" in text(page, "/lag/?cursor=x")


def test_groups_that_are_gone_are_shown_on_request(page: Client) -> None:
    gone = clock.SYSTEM.now() - timedelta(hours=1)
    lag.group("former", [lag.part(word=Word.DEAD)], gone_at=gone, reason="the group is gone")
    lag.group("present")
    assert "former" not in text(page, "/lag/")
    assert "former" in text(page, "/lag/?word=dead")
    assert "former" in text(page, "/lag/?q=form")


def test_an_empty_list_teaches(page: Client) -> None:
    shown = text(page, "/lag/")
    assert "No consumer group yet" in shown
    assert "--group try-lag" in shown
    assert "Nobody polls lag" in shown
    assert "Nothing was polled yet" in shown


def test_a_cluster_that_tells_nothing_and_a_poller_that_does_not_run_are_said(page: Client) -> None:
    now = clock.SYSTEM.now()
    lag.cluster(now=now - timedelta(minutes=9), error="connection refused", error_since=now - timedelta(minutes=8))
    lag.group(polled_at=now - timedelta(minutes=9))
    answer = page.get("/lag/").content.decode()
    assert 'class="old"' in answer
    shown = text(page, "/lag/")
    assert "connection refused" in shown
    assert "no process “lag” was heard" in shown


def test_a_group_page_says_verdict_figures_partitions_members_and_what_happened(page: Client) -> None:
    group = lag.group(
        "payments-worker",
        [
            lag.part(partition=0, owner=0),
            lag.part(partition=1, word=Word.STALL, lag=1_204, owner=0, stable=1_100, end=1_204, committed=0),
            lag.part(partition=2, owner=-1),
        ],
        members=[lag.member(0, owns=2, lag=1_204, instance="static-7"), lag.member(1, owns=0)],
        facts={
            "inflow_per_s": 12.0,
            "consumed_per_s": 0.0,
            "advice": "It takes 3 members to keep up.",
            "skew": 2.0,
            "lag_skew": 3.21,
            "loss_at_most": True,
            "loss_by": "time",
        },
        loss_s=3_600.0,
        trend="growing",
    )
    lag.topic("orders")
    lag.event(group, "it stalled", minutes_ago=6)
    lag.event(group, "worker-2 left", minutes_ago=7, kind="rebalance", status="prog")
    shown = text(page, f"/lag/groups/{group.pk}/")
    for words in (
        "Stalled orders 1: no commit for 50 s or longer while 1,204 records wait",
        "Nothing known explains it",
        "It takes 3 members to keep up. One member owns 2 times an even share, one has 3.2 times the mean lag.",
        "≤ 1 h",
        "until records are deleted unread by age",
        "104 in open transactions",
        "static-7",
        "Idle owns nothing",
        "worker-2 left",
        "broker 1",
        "growing 12/s",
        "nobody",
    ):
        assert words in shown, words
    assert shown.index("orders 1 no commit") < shown.index("orders 0 all is read"), "the worst partition first"
    assert "Reset offsets" not in shown, "a viewer may not"
    assert "Resets" in shown, "but may read what was reset"


def test_alerts_and_a_mute_stand_on_the_groups_page(page: Client) -> None:
    now = clock.SYSTEM.now()
    group = lag.group()
    Alert.objects.create(group=group, kind="eta", phase="clearing", since=now, raised_at=now, text="too slow")
    Mute.objects.create(group=group, until=now + timedelta(hours=1), by="ana", reason="a deploy", at=now)
    shown = text(page, f"/lag/groups/{group.pk}/")
    assert re.search(r"Alert of \d\d:\d\d(:\d\d)?, as it was then: too slow", shown)
    assert "by ana: “a deploy”" in shown
    assert "muted · every partition keeps up" in text(page, "/lag/")


def test_the_history_is_a_picture_and_a_table_and_its_gaps_are_gaps(page: Client) -> None:
    group = lag.group(lag=40, polled_at=clock.SYSTEM.now())
    lag.minutes(group, {back: Seen(lag=back * 10, lag_s=float(back)) for back in (*range(1, 11), *range(20, 31))})
    body = page.get(f"/lag/groups/{group.pk}/").content.decode()
    path = re.search(r'<path class="lag" d="([^"]+)"', body)
    assert path is not None
    assert path[1].count("M") == 2, "two strokes, a gap between them"
    table = body.partition("The same as a table")[2].partition("</table>")[0]
    assert table.count("<tr>") == 1 + 21
    assert "Lag of the last 1 h: 10 to 300 records" in text(page, f"/lag/groups/{group.pk}/")


@pytest.mark.parametrize("asked", ["1h", "6h", "24h", "14d", "no-such"])
def test_every_range_is_drawn(page: Client, asked: str) -> None:
    group = lag.group(lag=7)
    lag.minutes(group, {back: Seen(lag=back) for back in range(1, 60)})
    lag.ten_minutes(group, {back: Seen(lag=back) for back in range(1, 60)})
    shown = text(page, f"/lag/groups/{group.pk}/?range={asked}")
    assert "Nothing is known of this time" not in shown
    assert f"Lag of the last {asked[:-1]} {asked[-1]}" in shown or asked == "no-such"


def test_a_topic_page_says_partitions_retention_and_who_reads_it(page: Client) -> None:
    topic = lag.topic("orders", rows=[[0, 1, 5, 1_000, 990, ""], [1, -1, None, None, None, "no leader"]])
    lag.group("payments-worker", [lag.part(word=Word.STALL, lag=9)])
    lag.group("stock-sync", [lag.part("stock")])
    shown = text(page, f"/lag/topics/{topic.pk}/")
    for words in ("kept for 7 d", "payments-worker", "Stalled", "no leader", "995", "10", "None"):
        assert words in shown
    assert "stock-sync" not in shown


def test_a_page_of_what_is_not_there_is_not_found(page: Client) -> None:
    assert page.get("/lag/groups/999/").status_code == 404
    assert page.get("/lag/topics/999/").status_code == 404


def test_a_region_that_did_not_change_is_not_sent_again(page: Client) -> None:
    group = lag.group()
    for path, region in (("/lag/", "groups"), (f"/lag/groups/{group.pk}/", "group")):
        headers = {"HX-Request": "true", "X-Region": region}
        etag = page.get(path, headers=headers)["ETag"].strip('"')
        assert page.get(f"{path}?v={etag}", headers=headers).status_code == 204
        group.polled_at = clock.SYSTEM.now() + timedelta(seconds=5)
        group.save()
        assert page.get(f"{path}?v={etag}", headers=headers).status_code == 200, "a new look is news"


def test_a_hostile_name_is_text(page: Client) -> None:
    group = lag.group('<script>alert(1)</script> & "quotes" ␀', [lag.part(reason="<b>x</b>")])
    for path in ("/lag/", f"/lag/groups/{group.pk}/"):
        assert "<script>alert" not in page.get(path).content.decode()


def test_what_is_known_in_part_is_at_least_so_much_and_never_up_to_date(page: Client) -> None:
    lag.poller()
    made = lag.group("half", [lag.part(lag=0), lag.part(partition=1, word=Word.UNKNOWN, lag=None, reason="no leader")])
    shown = text(page, "/lag/")
    assert "\u2265 0" in shown
    assert "up to date" not in shown
    shown = text(page, f"/lag/groups/{made.pk}/")
    assert "not all of its lag is known" in shown
    assert "whether records will be lost cannot be told" in shown


@pytest.mark.parametrize("query", ["cluster=%00", "cluster=%00&word=stall", "cursor=0-0-1", "topic=%00", "word=%00"])
def test_addresses_that_lead_nowhere_say_so(page: Client, query: str) -> None:
    lag.poller()
    lag.group("a", [lag.part()])
    shown = text(page, f"/lag/?{query}")
    assert "No consumer group yet" not in shown


def test_an_event_of_a_topic_that_the_group_no_longer_reads_stays_out_of_sight(client: Client) -> None:
    made = lag.group("both", [lag.part("stock")])
    event = lag.event(made, "TRUNCATED: payroll 0: 777,123 records were deleted unread")
    event.facts = {"topics": ["payroll", "stock"]}
    event.save()
    client.force_login(actors.account(Role.VIEWER, name="lim", topics=("stock",)).user)
    for path in (f"/lag/groups/{made.pk}/", "/"):
        assert "payroll" not in text(client, path)
    client.force_login(actors.account(Role.VIEWER, name="all").user)
    assert "payroll" in text(client, f"/lag/groups/{made.pk}/")
