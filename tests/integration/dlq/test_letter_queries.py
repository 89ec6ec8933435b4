"""Finding letters: each field of the grammar, pages, scopes, limits."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from dlq.domain import search
from dlq.models import Letter
from dlq.queries import letters, limits
from reliability import access
from reliability.access.domain.roles import Role
from reliability.kernel import clock
from tests.support.actors import actor
from tests.support.letters import record, store

pytestmark = pytest.mark.django_db

EVERYBODY = actor()
VIEWER = actor(Role.VIEWER)


def found(text: str, *, who: access.Actor = EVERYBODY) -> list[int]:
    """The offsets of the letters that a search finds."""
    return [row.offset for row in letters.page(actor=who, search=search.parse(text)).rows]


@pytest.fixture
def five() -> None:
    now = clock.SYSTEM.now()
    store(
        record(1, key=b"cust-1", extra=[("tenant", b"acme"), ("tenant", b"\xff"), ("empty", None)]),
        record(2, key=b"cust-2", value=b'{"order": {"id": 9007199254740993, "tags": ["a%b"]}}', group="stock"),
        now=now - timedelta(hours=3),
    )
    store(
        record(3, origin_topic="refunds.eu", error_type="java.lang.NullPointerException", error_message=""),
        record(4, topic="other.dlq", value=b"\xff needle \x00", extra=[("mainstay-message-id", b"m-4")]),
        record(5, key=None, value=None, extra=[("tenant", b"acme_corp")]),
        now=now,
    )


@pytest.mark.parametrize(
    ("text", "offsets"),
    [
        ("", [5, 4, 3, 2, 1]),
        ("topic:orders", [5, 4, 2, 1]),
        ("topic:refunds*", [3]),
        ("topic:*.eu", [3]),
        ("topic:refunds.eu,orders", [5, 4, 3, 2, 1]),
        ("topic:ref.nds*", []),
        ("-topic:orders", [3]),
        ("source:other.dlq", [4]),
        ("group:stock", [2]),
        ("error:nullpointer", [3]),
        ('error:"order 17"', [5, 4, 2, 1]),
        ("key:cust-1", [1]),
        ("key:cust-*", [2, 1]),
        ("key:cust", []),
        ("-key:cust-*", [5, 4, 3]),
        ("header.tenant:acme", [1]),
        ("header.tenant:acme*", [5, 1]),
        ("header.tenant:ac_e", []),
        ("header.empty:*", []),
        ("-header.tenant:acme", [5, 4, 3, 2]),
        ("json.order.id:9007199254740993", [2]),
        ("json.order:17", [3, 1]),
        ("json.order.tags.0:a%b", [2]),
        ("json.order.tags.0:a_b", []),
        ("-json.order:17", [5, 4, 2]),
        ("age>2h", [2, 1]),
        ("age<2h", [5, 4, 3]),
        ("state:open", [5, 4, 3, 2, 1]),
        ("-state:open", []),
        ("cause:bug", [3]),
        ("dialect:mainstay", [5, 4, 3, 2, 1]),
        ("message:m-4", [4]),
        ("needle", [4]),
        ("PAYMENTTIMEOUT 17", [5, 4, 2, 1]),
        ("cust -key:cust-2", [1]),
        ("' OR 1=1 --", []),
    ],
)
def test_it_finds(five: None, text: str, offsets: list[int]) -> None:
    assert found(text) == offsets


def test_it_finds_failure_groups_by_number(five: None) -> None:
    numbers = {letter.offset: letter.group_id for letter in Letter.objects.all()}
    assert found(f"failure:{numbers[2]},{numbers[3]}") == [3, 2]


def test_bodies_that_are_no_json_do_not_end_a_search() -> None:
    nul = b'{"a": "\\u0000"}'
    store(record(1, value=b"{"), record(2, value=nul), record(3, value=b"\xff"), record(4, value=b'{"a": "b"}'))
    assert found("json.a:b") == [4]


def test_duplicates_are_found_at_their_leader_only() -> None:
    store(record(1, origin_offset=5), record(2, origin_offset=5))
    assert found("") == [1]
    leader = Letter.objects.get(offset=1)
    assert [letter.offset for letter in letters.duplicates_of(leader)] == [2]


def test_pages_go_forth_and_back_without_gap_or_repeat() -> None:
    store(*(record(offset) for offset in range(25)))
    seen, before = [], None
    while True:
        page = letters.page(actor=EVERYBODY, search=search.EVERYTHING, before=before, limit=10)
        seen += [row.offset for row in page.rows]
        if page.older is None:
            break
        before, last = page.older, page
    assert seen == list(range(24, -1, -1))
    assert page.newer is not None
    back = letters.page(actor=EVERYBODY, search=search.EVERYTHING, after=page.newer, limit=10)
    assert [row.offset for row in back.rows] == [row.offset for row in last.rows]
    first = letters.page(actor=EVERYBODY, search=search.EVERYTHING, limit=10)
    assert (first.newer, str(first.count)) == (None, "25")


def test_a_count_is_capped_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "COUNT_MAX", 3)
    store(*(record(offset) for offset in range(5)))
    assert str(letters.count(Letter.objects.all())) == "3+"


def test_a_search_that_takes_too_long_is_refused_and_leaves_the_connection_usable() -> None:
    with pytest.raises(limits.TooSlow, match="takes too long"), limits.at_most(0.05), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("30s",)


def test_who_may_not_see_a_topic_does_not_find_its_letters(five: None) -> None:
    limited = actor(Role.VIEWER, topics=("refunds.*",))
    assert found("", who=limited) == [3]
    hidden = Letter.objects.get(offset=1)
    with pytest.raises(letters.NoSuchLetter):
        letters.one(actor=limited, letter_id=hidden.id)
    assert letters.one(actor=EVERYBODY, letter_id=hidden.id) == hidden


def test_a_letter_knows_others_of_its_message_and_key() -> None:
    again = [("mainstay-message-id", b"orders/0/1"), ("mainstay-replay", b"1/1")]
    store(record(1), record(2), record(3, extra=again), record(4, key=b"else"))
    first = Letter.objects.get(offset=1)
    assert [letter.offset for letter in letters.same_message(first)] == [3]
    assert [letter.offset for letter in letters.same_key(first)] == [2, 3]
    assert letters.newest_of(actor=EVERYBODY, group_id=first.group_id) == Letter.objects.get(offset=4)
    assert letters.neighbours(actor=EVERYBODY, letter=first, search=search.EVERYTHING) == (first.id + 1, None)


def test_a_viewer_cannot_search_for_what_is_masked() -> None:
    secret = b'{"password": "PW-hunter2", "note": {"card": "x"}, "order": 17}'
    store(
        record(1, key=b"token=t0k3n", value=secret, error_message="refused: password=hunter2"),
        record(2, key=b"cust-2", value=b'{"order": 17}', extra=[("authorization", b"Bearer X"), ("tenant", b"acme")]),
    )
    for text in (
        *("json.password:PW-hunter2", "json.note.card:x", 'header.authorization:"Bearer X"', "json.order:1*"),
        *('json.note:"{*"', "header.tenant:*", "-json.password:x", "password=hunter2", "4111111111111111"),
    ):
        with pytest.raises(search.BadSearch, match="our role"):
            found(text, who=VIEWER)
    for text in ("hunter2", "error:hunter", "key:*t0k*", "t0k3n", "tenant"):
        assert found(text, who=VIEWER) == [], text
    assert found("json.order:17 header.tenant:acme", who=VIEWER) == [2]
    assert found("key:cust-*", who=VIEWER) == found("cust", who=VIEWER) == [2]
    assert found("hunter2") == [1]
