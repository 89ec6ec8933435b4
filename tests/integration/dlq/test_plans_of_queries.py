"""With a hundred thousand letters every page reads an index, not the table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import QuerySet
from pytest_django import DjangoDbBlocker

from dlq.domain import search
from dlq.domain.scope import Scope
from dlq.models import Letter, LetterGroup
from dlq.operations import discards, plans
from dlq.operations.ingest import rows
from dlq.queries import discards as discard_queries
from dlq.queries import groups, letters, limits, matching
from reliability.access.domain.roles import Role
from tests.support.actors import actor
from tests.support.letters import NOW, record, store

pytestmark = pytest.mark.django_db

MANY = 100_000
GROUPS = 40
EVERYBODY = actor(Role.VIEWER)

# Copies of one stored letter, spread over groups, keys and offsets.
COPIES = """
INSERT INTO dlq_letter (cluster, topic, topic_id, partition, "offset", key, value, headers, headers_unreadable,
       parse_error, left_out, dialect, origin_topic, origin_partition, origin_offset, consumer_group, attempt,
       error_type, error_message, error_stack, cause, trace_id, message_id, replay, key_text, value_size, stored_at,
       state, replay_count, group_id)
SELECT cluster, topic, topic_id, partition, n, key, value, headers, false,
       '', '', dialect, origin_topic, origin_partition, n, consumer_group, attempt, error_type, error_message,
       '', cause, '', 'm-' || n, '', 'key-' || n %% 5000, value_size, stored_at, 'open', 0, group_id + n %% %s
  FROM dlq_letter, generate_series(1000, %s) AS n
"""


@pytest.fixture(scope="module")
def many(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[int]:
    """A hundred thousand letters in forty groups; the number of one group.

    Committed once for all tests here and truncated: rolled back, they would slow down every later test.
    """
    with django_db_blocker.unblock():
        number = fill()
        yield number
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE dlq_letter, dlq_lettergroup CASCADE")


def fill() -> int:
    store(record(1))
    first = LetterGroup.objects.get()
    LetterGroup.objects.bulk_create(
        LetterGroup(id=first.id + n, fingerprint=str(n), title=str(n), first_seen=NOW, last_seen=NOW, open_count=n)
        for n in range(1, GROUPS)
    )
    with connection.cursor() as cursor:
        cursor.execute(COPIES, [GROUPS, 1000 + MANY])
        cursor.execute("ANALYZE dlq_letter")
    return first.id + 7


def plan(wanted: QuerySet[Letter]) -> str:
    with limits.at_most(limits.SEARCH_S):
        return wanted.explain()


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("", "dlq_letter_pkey"),
        ("state:open", "dlq_letter_pkey"),
        ("key:key-17", "dlq_letter_key"),
        ("key:key-17*", "dlq_letter_"),
        ("message:m-5000", "dlq_letter_message"),
        ("state:quarantined", "dlq_letter_busy"),
        ("error:timeout", "dlq_letter_pkey"),
    ],
)
def test_a_page_of_letters_reads_an_index(many: int, text: str, index: str) -> None:
    wanted = letters.visible(EVERYBODY).filter(matching.condition(search.parse(text)), duplicate_of__isnull=True)
    explained = plan(wanted.order_by("-id")[:51])
    assert index in explained
    assert "Seq Scan" not in explained


def test_a_groups_letters_and_the_leader_of_a_failure_are_found_by_index(many: int) -> None:
    assert "dlq_letter_group" in plan(Letter.objects.filter(group_id=many).order_by("-id")[:51])
    with connection.cursor() as cursor:
        some = list(Letter.objects.order_by("-id").values_list("id", flat=True)[:500])
        cursor.execute("EXPLAIN " + rows._LEADERS, [["open"], rows._array(some)])
        explained = "\n".join(line for (line,) in cursor.fetchall())
    assert "dlq_letter_origin" in explained
    assert "Seq Scan" not in explained


def test_counts_and_group_pages_stay_small(many: int) -> None:
    page = letters.page(actor=EVERYBODY, search=search.EVERYTHING)
    assert (len(page.rows), str(page.count)) == (50, "10,000+")
    assert len(groups.page(actor=EVERYBODY, search=search.EVERYTHING, now=NOW + timedelta(minutes=1)).rows) == GROUPS


@pytest.mark.parametrize("act", ["plan", "discard", "preview"])
def test_a_scope_that_takes_too_long_is_refused(many: int, monkeypatch: pytest.MonkeyPatch, act: str) -> None:
    monkeypatch.setattr(limits, "SCOPE_S", 0.02)
    scope, who = Scope(filter="json.order:nothing"), actor()
    acts = {
        "plan": lambda: plans.draw(scope=scope, terms=plans.terms(), actor=who, now=NOW),
        "discard": lambda: discards.count(scope=scope, actor=who),
        "preview": lambda: discard_queries.preview(scope, actor=who),
    }
    with pytest.raises(limits.TooSlow, match="takes too long"):
        acts[act]()
