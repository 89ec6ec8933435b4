"""Looks fold into minutes, minutes into ten."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.lag.domain import history, verdict
from reliability.lag.domain.history import Bucket
from reliability.lag.domain.values import Sample, Word

NOON = 1_800_000_000


def look(at_s: float, lag: int | None = 5, word: Word = Word.OK, **more: object) -> Bucket:
    facts: dict[str, object] = {"lag_s": None, "consumed": 0, "produced": 0, "known": 1, "partitions": 1, **more}
    return history.of_look(at_s=at_s, lag=lag, word=word, **facts)  # type: ignore[arg-type]  # a table of test values


def test_a_minute_keeps_the_last_the_highest_the_sums_and_the_worst() -> None:
    (minute,) = history.fold(
        [
            look(NOON + 5, 10, Word.OK, lag_s=1.5, consumed=3, produced=4, known=2, partitions=2),
            look(NOON + 35.5, 90, Word.STALL, lag_s=7.0, consumed=1, produced=81, known=2, partitions=2),
            look(NOON + 59.9, 20, Word.WARN, lag_s=2.0, consumed=70, produced=0, known=1, partitions=2),
        ],
        width_s=history.MINUTE_S,
    )
    assert (minute.at_s, minute.lag, minute.lag_max, minute.lag_s_max) == (NOON, 20, 90, 7.0)
    assert (minute.consumed, minute.produced, minute.word, minute.looks) == (74, 85, Word.STALL, 3)
    assert minute.coverage == pytest.approx(5 / 6)


def test_a_lag_that_is_not_known_is_no_zero_and_hides_none() -> None:
    (minute,) = history.fold([look(NOON, 7), look(NOON + 5, None, Word.UNKNOWN, known=0)], width_s=60)
    assert (minute.lag, minute.lag_max, minute.word, minute.coverage) == (7, 7, Word.UNKNOWN, 0.5)
    (unknown,) = history.fold([look(NOON, None, Word.UNKNOWN, known=0)], width_s=60)
    assert (unknown.lag, unknown.lag_max, unknown.lag_s_max) == (None, None, None)


def test_nothing_looked_at_has_no_coverage() -> None:
    assert look(NOON, None, known=0, partitions=0).coverage is None


def test_a_stretch_begins_at_a_multiple_of_its_width() -> None:
    looks = [look(NOON + at * 45) for at in range(30)]
    starts = [bucket.at_s for bucket in history.fold(reversed(looks), width_s=600)]
    assert starts == [NOON, NOON + 600, NOON + 1_200]


def test_buckets_of_different_times_do_not_merge() -> None:
    with pytest.raises(ValueError, match="different times"):
        history.merge(look(NOON), look(NOON + 60))


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        (Sample(0, 10, 20), Sample(5, 15, 40), (5, 20)),
        (Sample(0, 10, 20), Sample(5, 2, 20), (0, 0)),  # set back
        (Sample(0, 10, 20), Sample(5, 2, 4), (0, 0)),  # made anew
    ],
)
def test_what_moved_between_two_looks_is_counted(before: Sample, after: Sample, counts: tuple[int, int]) -> None:
    assert history.moved(before, after) == counts


LAGS = st.none() | st.integers(0, 1_000)
LOOKS = st.builds(
    history.of_look,
    at_s=st.integers(0, 40).map(lambda step: NOON + step * 1.5),
    lag=LAGS,
    lag_s=st.none() | st.floats(0, 1e6),
    consumed=st.integers(0, 100),
    produced=st.integers(0, 100),
    word=st.sampled_from(Word),
    known=st.integers(0, 5),
    partitions=st.integers(5, 9),
).map(lambda bucket: history.fold([bucket], width_s=600)[0])


@given(LOOKS, LOOKS, LOOKS)
def test_it_does_not_matter_what_is_merged_first(one: Bucket, two: Bucket, three: Bucket) -> None:
    merge = history.merge
    assert merge(merge(one, two), three) == merge(one, merge(two, three))


@given(st.lists(st.tuples(st.integers(0, 3_000), LAGS, st.sampled_from(Word)), unique_by=lambda each: each[0]))
def test_ten_minutes_are_the_same_from_minutes_as_from_looks(facts: list[tuple[int, int | None, Word]]) -> None:
    looks = [look(NOON + at_s, lag, word) for at_s, lag, word in facts]
    minutes = history.fold(looks, width_s=60)
    assert history.fold(minutes, width_s=600) == history.fold(looks, width_s=600)
    assert sum(bucket.looks for bucket in minutes) == len(looks)


def test_a_severity_is_a_words_own() -> None:
    assert all(verdict.word_of(verdict.SEVERITY[word]) is word for word in Word)
