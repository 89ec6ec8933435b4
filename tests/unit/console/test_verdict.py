"""The overview's sentence and the order of its list."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reliability.console.domain import verdict as rules
from reliability.console.domain.values import Item, Status, TimelineRow

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def item(name: str, status: Status, *, minutes: int | None = 1) -> Item:
    since = None if minutes is None else NOW - timedelta(minutes=minutes)
    return Item(id=name, room="letters", status=status, word="Bad", title=name, since=since, url="/letters/")


def said(items: list[Item], unread: list[str], last: datetime | None = None) -> tuple[str, str]:
    found = rules.verdict(items=items, unread=unread, last_problem_at=last, now=NOW)
    return found.status, found.sentence


def test_it_counts_what_needs_a_person() -> None:
    assert said([item("a", "warn")], []) == ("warn", "1 thing needs you.")
    assert said([item("a", "warn"), item("b", "crit")], []) == ("crit", "2 things need you.")


def test_a_line_that_stands_for_many_counts_as_many_and_one_of_another_page_as_one() -> None:
    items = [item("failure", "crit"), replace(item("10 more", "warn"), lines=10), replace(item("run", "warn"), lines=0)]
    assert said(items, [])[1] == "12 things need you."


def test_it_never_says_quiet_when_something_could_not_be_asked() -> None:
    assert said([], ["outbox"]) == ("unknown", "Cannot say: outbox could not be read.")
    assert said([item("a", "warn")], ["outbox", "dlq"])[1] == "1 thing needs you; outbox and dlq could not be read."


def test_all_quiet_says_since_when() -> None:
    assert said([], [], NOW - timedelta(hours=4)) == ("ok", "All quiet. Last problem 4 h ago.")
    assert said([], []) == ("ok", "All quiet. No problem in the last 7 days.")


def test_the_worst_comes_first_and_the_oldest_of_the_equal() -> None:
    items = [item("new", "crit", minutes=1), item("warn", "warn", minutes=90), item("old", "crit", minutes=60)]
    items += [item("ageless", "crit", minutes=None), item("unknown", "unknown")]
    assert [each.id for each in rules.ordered(items)] == ["old", "new", "ageless", "warn", "unknown"]


def test_a_cause_comes_before_what_may_follow_from_it_but_not_before_what_is_worse() -> None:
    items = [
        item("follows", "crit", minutes=60),
        replace(item("outage", "crit", minutes=1), is_cause=True),
        replace(item("mild", "warn", minutes=90), is_cause=True),
    ]
    assert [each.id for each in rules.ordered(items)] == ["outage", "follows", "mild"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "just now"), (59, "59 s ago"), (60, "1 min ago"), (7200, "2 h ago"), (172_800, "2 d ago")]
)
def test_ages_are_spoken_in_the_largest_unit(seconds: int, text: str) -> None:
    assert rules.ago(NOW - timedelta(seconds=seconds), now=NOW) == text


def test_the_last_problem_is_a_machines() -> None:
    rows = [
        TimelineRow(at=NOW, kind="person", status="crit", text="refused"),
        TimelineRow(at=NOW - timedelta(hours=1), kind="machine", status="warn", text="letters arrive"),
        TimelineRow(at=NOW, kind="machine", status="ok", text="relay started"),
    ]
    assert rules.last_problem(rows) == NOW - timedelta(hours=1)
