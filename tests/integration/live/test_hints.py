"""Hints reach Redis on commit, once per topic, and survive its absence."""

from __future__ import annotations

import pytest
from django.db import transaction

from reliability import live
from reliability.kernel.clock import ManualClock
from reliability.live import connection, hints, queries
from reliability.live.hints import Hint, Publisher
from tests.support.network import refusing_port
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clean_redis")]


def version(topic: str) -> str:
    found, hints_there = queries.versions([topic])
    assert hints_there
    return found[topic]


def test_a_change_is_told_at_commit_and_not_before() -> None:
    before = version("letters")
    with transaction.atomic():
        live.changed("letters")
        assert version("letters") == before
    assert version("letters") != before


def test_a_rolled_back_change_is_never_told() -> None:
    before = version("letters")
    with transaction.atomic():
        live.changed("letters")
        transaction.set_rollback(True)
    assert version("letters") == before


def test_a_thousand_changes_in_one_transaction_are_one_hint() -> None:
    with transaction.atomic():
        for _ in range(1000):
            live.changed("letters")
        live.changed("outbox")
    assert int(connection.client().get(connection.COUNTER_KEY) or 0) == 2


def test_a_change_after_a_rolled_back_savepoint_is_still_told() -> None:
    before = version("letters")
    with transaction.atomic():
        with transaction.atomic():
            live.changed("letters")
            transaction.set_rollback(True)
        live.changed("letters")
    assert version("letters") != before


def test_other_topics_keep_their_version() -> None:
    live.changed("letters")
    before = version("letters")
    live.changed("outbox")
    assert version("letters") == before


def test_a_redis_that_lost_its_data_gives_other_versions() -> None:
    live.changed("letters")
    before = version("letters")
    connection.client().delete(connection.EPOCH_KEY, connection.COUNTER_KEY, connection.VERSIONS_KEY)
    assert version("letters") != before
    live.changed("letters")
    assert version("letters") not in (before, "0:0")


def test_what_waited_while_redis_was_away_goes_with_the_next_success() -> None:
    time = ManualClock()
    publisher = Publisher(url=f"redis://127.0.0.1:{refusing_port()}/0", time=time)
    publisher.send("letters", Hint())
    publisher.send("outbox", Hint())
    publisher.url = ""
    time.advance(10)
    publisher.send("activity", Hint(worst="warn"))
    assert {topic for topic in ("letters", "outbox", "activity") if version(topic) != "0:0"} == {
        "letters",
        "outbox",
        "activity",
    }
    assert publisher.waiting == {}


def test_only_so_many_topics_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hints, "MOST_TOPICS", 10)
    for number in range(20):
        live.changed(f"replay:{number}")
    assert connection.client().zcard(connection.VERSIONS_KEY) == 10
    assert version("replay:19").endswith(":20")


def test_without_redis_versions_change_with_time_and_say_so() -> None:
    found, hints_there = queries.versions(["letters"], url=f"redis://127.0.0.1:{refusing_port()}/0")
    assert not hints_there
    assert found["letters"].startswith("poll:")


def test_the_last_hint_before_redis_came_back_goes_by_itself() -> None:
    """Else a page would show for half a minute what was, because nothing else happened in this process."""
    publisher = hints.publisher()
    publisher.url = f"redis://127.0.0.1:{refusing_port()}/0"
    publisher.send("letters", Hint())
    assert set(publisher.waiting) == {"letters"}
    publisher.url = ""
    wait_until(lambda: version("letters") != "0:0", within_s=10, what="the hint that was lost goes")
    assert publisher.waiting == {}
