"""Verdicts of groups that commit rarely, at nearly the pace of the looks, or cannot be read now and then."""

from __future__ import annotations

import pytest

from reliability.lag.domain.values import Word
from tests.unit.lag.test_verdict import judged, rising, steady


@pytest.mark.parametrize(
    ("waits_s", "pace_s", "word"),
    [(80.0, 60.0, Word.OK), (95.0, 60.0, Word.STALL), (95.0, 0.0, Word.STALL), (45.0, 5.0, Word.STALL)],
)
def test_who_commits_rarely_stands_still_later(waits_s: float, pace_s: float, word: Word) -> None:
    """Kafka Connect's sinks commit once a minute: ten looks in between see no move."""
    found = judged(steady(40), rising(100, 7), waits_s=waits_s, pace_s=pace_s, stride=80)
    assert found.word is word
    if word is Word.OK:
        assert found.reason == "it commits about every 1 min, 123 records wait for the next"
    nobody = judged(steady(40), rising(100, 7), waits_s=waits_s, pace_s=pace_s, stride=80, owned=False)
    assert nobody.word is (Word.OK if word is Word.OK else Word.STOP), "assigned consumers commit rarely, too"


def test_what_one_commit_takes_is_on_its_way() -> None:
    """Commits every second and looks every 0.9 s: the lag creeps up from 1 to 5, and is none."""
    ends = rising(100, 5)
    lags = [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert judged([end - lag for end, lag in zip(ends, lags, strict=True)], ends).word is Word.OK
    far = [end - 10 * lag for end, lag in zip(rising(1_000, 5), lags, strict=True)]
    assert judged(far, rising(1_000, 5)).word is not Word.OK


def test_a_commit_that_takes_one_record_of_many_stands_still() -> None:
    assert judged(steady(40), rising(100, 7), waits_s=80.0, pace_s=60.0, stride=1).word is Word.STALL


@pytest.mark.parametrize(("gaps", "looks", "word"), [(1, 9, Word.STALL), (3, 7, Word.STALL), (4, 6, Word.UNKNOWN)])
def test_a_look_that_tells_nothing_now_and_then_hides_no_verdict(gaps: int, looks: int, word: Word) -> None:
    assert judged(steady(40, looks), rising(100, 7, looks), gaps=gaps).word is word


@pytest.mark.parametrize(("tried_s", "word"), [(0.0, Word.UNKNOWN), (44.0, Word.UNKNOWN), (45.0, Word.STALL)])
def test_a_new_owner_gets_a_window_before_it_is_blamed(tried_s: float, word: Word) -> None:
    assert judged(steady(40), rising(100, 7), waits_s=3_600.0, tried_s=tried_s).word is word
    nobody = judged(steady(40), rising(100, 7), waits_s=3_600.0, tried_s=tried_s, owned=False)
    assert (nobody.word, nobody.reason) == (Word.STOP, "no commit for 1 h while 123 records wait; nobody owns it")
