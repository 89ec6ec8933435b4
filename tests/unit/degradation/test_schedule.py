"""Windows by the clocks of a place, also on the days when these are moved."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from reliability.degradation.domain.schedule import Once, Weekly, WrongWindow, as_json, read

AHEAD = timedelta(days=2)
NIGHT = Weekly(days=(4, 6), begins=time(22), ends=time(2), zone="Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def spans(window: Weekly | Once, around: str) -> list[tuple[datetime, datetime]]:
    return list(window.spans(utc(around), ahead=AHEAD))


def test_a_night_ends_on_the_next_day_by_the_clocks_of_its_place() -> None:
    assert spans(NIGHT, "2026-11-20T12:00") == [
        (utc("2026-11-20T21:00"), utc("2026-11-21T01:00")),
    ]
    assert spans(NIGHT, "2026-11-21T00:59")[0] == (utc("2026-11-20T21:00"), utc("2026-11-21T01:00"))
    assert spans(NIGHT, "2026-11-21T01:00") == [(utc("2026-11-22T21:00"), utc("2026-11-23T01:00"))]


def test_where_clocks_are_moved_it_is_longer_or_shorter_and_never_lost() -> None:
    early = Weekly(days=(6,), begins=time(2, 30), ends=time(4), zone="Europe/Berlin")
    assert spans(early, "2026-03-28T12:00") == [(utc("2026-03-29T01:30"), utc("2026-03-29T02:00"))]
    assert spans(early, "2026-10-24T12:00") == [(utc("2026-10-25T00:30"), utc("2026-10-25T03:00"))]


def test_every_day_all_day_has_no_gap() -> None:
    always = Weekly(days=tuple(range(7)), begins=time(0), ends=time(0), zone="America/New_York")
    found = spans(always, "2026-11-01T00:00")
    assert len(found) >= 3
    assert all(one[1] == other[0] for one, other in itertools.pairwise(found))


def test_once_is_once() -> None:
    window = Once(begins=utc("2026-11-27T00:00"), ends=utc("2026-11-28T00:00"))
    assert spans(window, "2026-11-26T12:00") == [(window.begins, window.ends)]
    assert spans(window, "2026-11-28T00:00") == spans(window, "2026-11-20T12:00") == []


def test_windows_are_the_same_after_they_were_text_and_are_read_by_people() -> None:
    once = Once(begins=utc("2026-11-27T00:00"), ends=utc("2026-11-28T00:00"))
    assert [read(as_json(window)) for window in (NIGHT, once)] == [NIGHT, once]
    assert NIGHT.in_words == "every Friday and Sunday from 22:00 to 02:00 (Europe/Berlin)"
    assert once.in_words == "once, from 2026-11-27 00:00 to 2026-11-28 00:00 UTC"


GOOD: dict[str, Any] = as_json(NIGHT)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("x", "is an object"),
        ({}, "are times"),
        ({**GOOD, "day": 1}, "not day"),
        ({**GOOD, "days": []}, "Days are"),
        ({**GOOD, "days": [7]}, "Days are"),
        ({**GOOD, "days": [1, 1]}, "Days are"),
        ({**GOOD, "days": [True]}, "Days are"),
        ({**GOOD, "days": "Mon"}, "Days are"),
        ({**GOOD, "zone": "Mars/Olympus"}, "no time zone"),
        ({**GOOD, "zone": "../../etc/passwd"}, "no time zone"),
        ({**GOOD, "zone": ""}, "no time zone"),
        ({**GOOD, "begins": "25:00"}, "are times"),
        ({**GOOD, "begins": "22:00:30"}, "hours and minutes"),
        ({"begins": "2026-11-27T00:00", "ends": "2026-11-28T00:00Z"}, "have a zone"),
        ({"begins": "2026-11-28T00:00Z", "ends": "2026-11-27T00:00Z"}, "ends after it begins"),
        ({"begins": "2026-11-28T00:00Z", "ends": "2027-11-27T00:00Z"}, "within 92 days"),
    ],
)
def test_what_is_no_window_is_told_what_it_has_to_be(given: object, says: str) -> None:
    with pytest.raises(WrongWindow, match=says):
        read(given)
