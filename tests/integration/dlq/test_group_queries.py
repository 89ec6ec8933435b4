"""Failure groups: order, search, scopes, sparklines."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dlq.domain import search
from dlq.models import LetterGroup
from dlq.queries import groups
from reliability.access.domain.roles import Role
from tests.support.actors import actor
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
    assert not row.is_partly_hidden
    assert groups.totals(actor=limited) == groups.Totals(open=5, replaying=0, quarantined=0, groups=1)
    assert groups.totals(actor=EVERYBODY).open == 9
    store(record(30, error_type="KeyError", origin_topic="orders"))
    assert groups.one(actor=limited, group_id=row.group.id, now=NOW).is_partly_hidden
    hidden = LetterGroup.objects.get(consumer_group="stock")
    with pytest.raises(groups.NoSuchGroup):
        groups.one(actor=limited, group_id=hidden.id, now=NOW)
    nothing = actor(Role.VIEWER, topics=("elsewhere",))
    assert groups.page(actor=nothing, search=search.EVERYTHING, now=NOW).rows == []


def test_letters_of_one_key_look_like_poison() -> None:
    assert groups.spread(LetterGroup.objects.get(error_type="KeyError")) == "one key"
