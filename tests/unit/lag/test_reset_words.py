"""A reset in words, and what a form means."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import QueryDict

from reliability.kernel.record import TopicPartition
from reliability.lag import forms
from reliability.lag.domain import reset, reset_words
from reliability.lag.domain.reset import BadTarget, How, Position, Target

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
PLACES = [TopicPartition("orders", number) for number in range(3)]


def rows(target: Target, *committed: int | None) -> tuple[reset.Row, ...]:
    found = [Position(place, each, 10, 100) for place, each in zip(PLACES, committed, strict=False)]
    return reset.plan(target, found).rows


def at(offset: int) -> Target:
    return Target(how=How.OFFSET, offset=offset)


@pytest.mark.parametrize(
    ("planned", "done", "said"),
    [
        (rows(at(20), 60), False, "goes on 40 records earlier: 40 will be read again, none skipped."),
        (rows(at(20), 60), True, "was set 40 records earlier: 40 are read again, none skipped."),
        (rows(at(61), 60), False, "goes on 1 record later: none will be read again, 1 will be skipped."),
        (rows(at(61), 60), True, "was set 1 record later: none are read again, 1 is skipped."),
        (
            rows(at(50), 60, 45),
            False,
            "goes on 10 records earlier and 5 records later: 10 will be read again, 5 will be skipped.",
        ),
        (
            rows(at(50), None),
            False,
            "goes on where it is told in 1 partition without a commit: none will be read again, none skipped.",
        ),
        (rows(at(50), 50), False, "goes on where it is: none will be read again, none skipped."),
    ],
)
def test_the_whole_reset_is_one_sentence(planned: tuple[reset.Row, ...], done: bool, said: str) -> None:
    assert reset_words.sentence(group="billing", rows=planned, done=done) == f"billing {said}"


@pytest.mark.parametrize(
    ("target", "words", "value", "to"),
    [
        (Target(how=How.EARLIEST), "the earliest record", "", "earliest"),
        (Target(how=How.LATEST), "the end of the log", "", "latest"),
        (at(1_200), "offset 1200", "1200", {"offset": 1200}),
        (Target(how=How.SHIFT, shift=-12_400), "12,400 records back", "-12400", {"shift": -12400}),
        (Target(how=How.SHIFT, shift=1), "1 record forward", "1", {"shift": 1}),
        (
            Target(how=How.TIME, time_ms=1_763_640_000_000),
            "2025-11-20T12:00:00Z",
            "2025-11-20T12:00:00Z",
            {"time": "2025-11-20T12:00:00Z"},
        ),
        (
            Target(how=How.TIME, time_ms=1_763_640_000_001),
            "2025-11-20T12:00:00.001Z",
            "2025-11-20T12:00:00.001Z",
            {"time": "2025-11-20T12:00:00.001Z"},
        ),
    ],
)
def test_a_target_in_words_can_be_asked_for_again(target: Target, words: str, value: str, to: object) -> None:
    assert reset_words.named(target) == words
    assert reset_words.value_in(target.how, words) == value
    assert reset_words.requested(target.how, words, ()) == to
    if target.how is How.TIME:
        assert forms.at_time(forms.instant(value, zone=None)) == target


def test_a_file_of_many_offsets_is_not_spelled_out() -> None:
    few = rows(at(20), 60, 60)
    assert reset_words.requested("file", "", few) == {
        "offsets": [{"topic": "orders", "partition": number, "offset": 20} for number in (0, 1)]
    }
    assert reset_words.requested("file", "", few * 11) is None


def test_what_to_weigh_is_told_once_each() -> None:
    assert len(reset_words.warnings(rows(at(50), 60, 45, None))) == 3
    assert reset_words.warnings(rows(at(50), 50)) == []
    (undo,) = reset_words.warnings(rows(at(50), 45), is_undo=True)
    assert undo == "5 records are not read again: before the reset the group had passed them."
    (left,) = reset_words.warnings(rows(Target(how=How.SHIFT, shift=5), None))
    assert left == "1 partition is left as it is: the notes say why."


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"waiting": None, "reads_per_s": 5.0, "comes_per_s": None}, "not known"),
        ({"waiting": 0, "reads_per_s": None, "comes_per_s": None}, "nothing will wait"),
        ({"waiting": 90, "reads_per_s": None, "comes_per_s": 1.0}, "it was not seen to work off a backlog"),
        ({"waiting": 600, "reads_per_s": 10.0, "comes_per_s": None}, "for about 1 min at 10/s"),
        ({"waiting": 600, "reads_per_s": 10.0, "comes_per_s": 5.0}, "for about 2 min at 10/s"),
        ({"waiting": 600, "reads_per_s": 10.0, "comes_per_s": 10.0}, "it will not catch up"),
    ],
)
def test_how_long_it_takes_afterwards_is_told_or_that_it_is_not_known(facts: dict[str, Any], said: str) -> None:
    assert said in reset_words.drain(**facts)


def test_what_waits_afterwards_counts_what_stays_where_it_is() -> None:
    assert reset_words.waiting(rows(at(50), 60, 50)) == 100
    unknown = reset.plan(at(5), [Position(PLACES[0], 5, None, None, problem="no leader")]).rows
    assert reset_words.waiting(unknown) is None


@pytest.mark.parametrize(("text", "hours"), [("1h", 1.0), ("90 min", 1.5), ("2d", 48.0), ("3600s", 1.0)])
def test_a_time_ago_is_read(text: str, hours: float) -> None:
    assert (NOW - forms.ago(text, now=NOW)).total_seconds() == hours * 3_600


@pytest.mark.parametrize("text", ["", "1", "h", "-1h", "1w", "1.5h", "99999999s", "9999999d", "1h\x00"])
def test_what_is_no_time_ago_is_refused(text: str) -> None:
    with pytest.raises(BadTarget, match="is no time ago"):
        forms.ago(text, now=NOW)


def test_no_tick_is_not_the_same_as_no_choice() -> None:
    assert forms.topics_of(QueryDict("to=earliest")) is None
    assert forms.topics_of(QueryDict("some=1")) == set()
    assert forms.topics_of(QueryDict("some=1&topic=a&topic=b")) == {"a", "b"}
