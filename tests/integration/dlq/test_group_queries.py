"""Failure groups: order, search, scopes, sparklines."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from dlq.domain import search
from dlq.models import Letter, LetterGroup
from dlq.models.letters import State
from dlq.queries import groups, limits, overview, tallies
from reliability.access.domain.roles import Role
from tests.support.actors import account, actor
from tests.support.letters import NOW, record, store

pytestmark = pytest.mark.django_db

EVERYBODY = actor(Role.VIEWER)


@pytest.fixture(autouse=True)
def three() -> None:
    store(*(record(offset) for offset in range(3)))
    store(*(record(offset, error_type="KeyError", key=b"one", origin_topic="refunds") for offset in range(10, 15)))
    store(record(20, error_type="OutOfStock", group="stock", topic="s.dlq"), now=NOW - timedelta(minutes=59))


def titles(text: str = "", **how: object) -> list[str]:
    page = groups.page(actor=EVERYBODY, search=search.parse(text), now=NOW, **how)  # type: ignore[arg-type]  # a table
    return [row.group.error_type.rsplit(".")[-1] for row in page.rows]


def test_the_groups_with_most_open_letters_come_first_and_page_by_page() -> None:
    assert titles() == ["KeyError", "PaymentTimeout", "OutOfStock"]
    first = groups.page(actor=EVERYBODY, search=search.EVERYTHING, now=NOW, limit=2)
    assert first.next is not None
    assert titles(cursor=first.next, limit=2) == ["OutOfStock"]
    assert titles(cursor="junk") == titles()


def test_groups_without_anything_left_are_shown_on_request() -> None:
    LetterGroup.objects.filter(error_type="KeyError").update(open_count=0)
    assert titles() == ["PaymentTimeout", "OutOfStock"]
    assert titles(empty=True) == ["PaymentTimeout", "OutOfStock", "KeyError"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("topic:refunds", ["KeyError"]),
        ("-topic:refunds", ["PaymentTimeout", "OutOfStock"]),
        ("topic:ref*", ["KeyError"]),
        ("source:s.dlq", ["OutOfStock"]),
        ("group:stock", ["OutOfStock"]),
        ("cause:bug,business", ["KeyError", "OutOfStock"]),
        ("error:timeout", ["PaymentTimeout"]),
        ("key:one", ["KeyError"]),
        ("key:one group:stock", []),
        ("json.order:17 -key:one", ["PaymentTimeout", "OutOfStock"]),
        ("state:open", ["KeyError", "PaymentTimeout", "OutOfStock"]),
        ("state:quarantined", []),
        ("paymentTIMEOUT", ["PaymentTimeout"]),
    ],
)
def test_it_finds_groups(text: str, expected: list[str]) -> None:
    assert titles(text) == expected


def test_a_row_has_its_last_hour_and_its_standing() -> None:
    (row,) = groups.page(actor=EVERYBODY, search=search.parse("group:stock"), now=NOW).rows
    assert (len(row.points), row.points[0], sum(row.points)) == (60, 1.0, 1.0)
    assert (row.standing.word, row.advice.act) == ("Quiet", "discard")
    assert groups.arrivals(now=NOW)[0] == 1.0
    assert groups.arrivals(now=NOW)[-1] == 8.0
    later = groups.one(actor=EVERYBODY, group_id=row.group.id, now=NOW + timedelta(hours=1))
    assert sum(later.points) == 0


def test_an_actor_with_limited_topics_sees_the_groups_that_have_some_of_them() -> None:
    limited = actor(Role.VIEWER, topics=("ref*",))
    (row,) = groups.page(actor=limited, search=search.EVERYTHING, now=NOW).rows
    assert row.group.error_type == "KeyError"
    assert groups.totals(actor=limited, now=NOW) == groups.Totals(open=5, replaying=0, quarantined=0, groups=1)
    assert groups.totals(actor=EVERYBODY, now=NOW).open == 9
    hidden = LetterGroup.objects.get(consumer_group="stock")
    with pytest.raises(groups.NoSuchGroup):
        groups.one(actor=limited, group_id=hidden.id, now=NOW)
    nothing = actor(Role.VIEWER, topics=("elsewhere",))
    assert groups.page(actor=nothing, search=search.EVERYTHING, now=NOW).rows == []


def test_letters_of_one_key_look_like_poison() -> None:
    assert groups.spread(LetterGroup.objects.get(error_type="KeyError"), actor=EVERYBODY) == "one key"


LIMITED = actor(Role.VIEWER, topics=("ref*",))


def limited_titles(text: str = "", **how: object) -> list[str]:
    page = groups.page(actor=LIMITED, search=search.parse(text), now=NOW, **how)  # type: ignore[arg-type]  # a table
    return [row.group.error_type.rsplit(".")[-1] for row in page.rows]


def test_counters_of_a_group_are_of_the_topics_that_may_be_seen() -> None:
    """The same failure in a hidden topic changes nothing that an actor with limited topics can see."""
    told = {}
    for when in ("before", "after"):
        if when == "after":
            hidden = [
                record(offset, error_type="KeyError", origin_topic=topic, key=b"k%d" % offset, topic="secret.dlq")
                for offset, topic in ((30, "orders"), (31, "orders"), (32, ""))
            ]
            store(*hidden, now=NOW + timedelta(seconds=20))
            LetterGroup.objects.filter(error_type="KeyError").update(sample_message="a secret of orders")
        page = groups.page(actor=LIMITED, search=search.EVERYTHING, now=NOW)
        (row,) = page.rows
        group = row.group
        told[when] = [
            (group.count, group.open_count, group.first_seen, group.last_seen, group.topics, group.sources),
            (group.topic, group.sample_message, group.duplicate_count, row.points, row.standing),
            (page.next, page.totals, groups.totals_and_arrivals(actor=LIMITED, now=NOW)),
            groups.one(actor=LIMITED, group_id=group.pk, now=NOW),
            groups.spread(group, actor=LIMITED),
            [
                limited_titles(text)
                for text in ("topic:orders", "source:secret.dlq", "secret", "error:secret", "age<1s")
            ],
        ]
    assert told["before"] == told["after"]
    assert told["after"][0][0] == 5
    assert LetterGroup.objects.get(error_type="KeyError").count == 8


def test_a_group_whose_letters_in_sight_are_closed_is_shown_on_request_only() -> None:
    store(record(30, error_type="KeyError", origin_topic="orders"))
    Letter.objects.filter(origin_topic="refunds").update(state=State.RESOLVED)
    assert limited_titles() == []
    assert limited_titles(empty=True) == ["KeyError"]


def test_pages_of_an_actor_with_limited_topics_follow_its_own_counts() -> None:
    store(*(record(offset, error_type=f"E{offset}", origin_topic="refunds") for offset in (40, 41)))
    store(*(record(offset, error_type="E40", origin_topic="orders") for offset in range(50, 60)))
    first = groups.page(actor=LIMITED, search=search.EVERYTHING, now=NOW, limit=2)
    assert [row.group.error_type for row in first.rows] == ["KeyError", "E41"]
    assert limited_titles(cursor=first.next or "", limit=2) == ["E40"]


def test_a_count_that_takes_too_long_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*args: object, **how: object) -> None:
        raise limits.TooSlow

    monkeypatch.setattr(tallies, "count", slow)
    with pytest.raises(limits.TooSlow):
        groups.page(actor=LIMITED, search=search.EVERYTHING, now=NOW)
    assert [item.id for item in overview.attention(actor=LIMITED, now=NOW)] == ["letters:uncounted"]
    assert overview.tile(actor=LIMITED, now=NOW).word == "Not counted"


def test_the_drawer_says_when_letters_cannot_be_counted_in_time(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*args: object, **how: object) -> None:
        raise limits.TooSlow

    monkeypatch.setattr(tallies, "count", slow)
    client.force_login(account(Role.VIEWER, topics=("ref*",)).user)
    group = LetterGroup.objects.get(error_type="KeyError")
    answer = client.get(f"/letters/groups/{group.pk}/")
    assert answer.status_code == 200
    assert "Too many letters to count" in answer.content.decode()


def test_a_search_does_not_see_through_the_masks_of_a_sample() -> None:
    LetterGroup.objects.filter(error_type="KeyError").update(sample_message="refused: password=hunter2")
    reveals = actor(Role.OPERATOR)
    for text in ("hunter2", "error:hunter2", "hunt"):
        assert titles(text) == []
        found = groups.page(actor=reveals, search=search.parse(text), now=NOW).rows
        assert [row.group.error_type for row in found] == ["KeyError"]
