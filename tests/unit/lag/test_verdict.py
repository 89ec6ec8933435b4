"""Verdicts: every rule, and the traps in which other tools give a false one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from reliability.lag.domain import verdict
from reliability.lag.domain.values import WINDOW, Sample, Seen, Verdict, Word

POLL_S = 5.0
KNOWN: dict[str, object] = {"committed": 40, "start": 0, "end": 100, "stable": 100, "owned": True}


def window(commits: Sequence[int], ends: Sequence[int], *, every_s: float = POLL_S) -> list[Sample]:
    return [Sample(1_000.0 + at * every_s, *each) for at, each in enumerate(zip(commits, ends, strict=True))]


def judged(
    commits: Sequence[int],
    ends: Sequence[int],
    *,
    group_empty: bool = False,
    every_s: float = POLL_S,
    **changes: object,
) -> Verdict:
    """Judge looks whose last one is now."""
    known: dict[str, object] = {**KNOWN, "committed": commits[-1], "end": ends[-1], "stable": ends[-1], **changes}
    seen = Seen(**known)  # type: ignore[arg-type]  # a table of test values
    return verdict.judge(window(commits, ends, every_s=every_s), seen, group_empty=group_empty)


def steady(value: int, looks: int = WINDOW) -> list[int]:
    return [value] * looks


def rising(first: int, step: int, looks: int = WINDOW) -> list[int]:
    return [first + at * step for at in range(looks)]


@pytest.mark.parametrize(
    ("changes", "word", "lag", "reason"),
    [
        ({"problem": "the partition has no leader"}, Word.UNKNOWN, None, "the partition has no leader"),
        ({"end": None}, Word.UNKNOWN, None, "the end of its log is not known"),
        ({"stable": None}, Word.UNKNOWN, None, "the end of its log is not known"),
        ({"committed": None, "start": 100}, Word.EMPTY, None, "nothing in it yet"),
        (
            {"committed": None, "start": 10},
            Word.UNKNOWN,
            None,
            "never committed: 90 records, whether they were read is not known",
        ),
        (
            {"committed": None, "start": None},
            Word.UNKNOWN,
            None,
            "never committed: whether they were read is not known",
        ),
        (
            {"committed": 1_300},
            Word.AHEAD,
            None,
            "the commit is 1,200 records beyond the end: the topic was recreated or truncated",
        ),
        ({"start": 60}, Word.TRUNCATED, 40, "20 records were deleted before they were read"),
        ({"start": 41}, Word.TRUNCATED, 59, "1 record was deleted unread"),
        ({"start": None}, Word.UNKNOWN, 60, "measuring: 1 of 10 looks"),
        ({"committed": 100}, Word.OK, 0, "all is read"),
        ({"committed": 99, "only_markers": True}, Word.OK, 0, "all is read"),
    ],
)
def test_one_look_is_enough_to_tell_what_needs_no_past(
    changes: dict[str, object], word: Word, lag: int | None, reason: str
) -> None:
    seen = Seen(**{**KNOWN, **changes})  # type: ignore[arg-type]  # a table of test values
    found = verdict.judge(window([40], [100]), seen, group_empty=False)
    assert (found.word, found.lag, found.reason) == (word, lag, reason)


def test_records_deleted_unread_are_counted() -> None:
    assert judged([40], [100], start=65).lost == 25


@pytest.mark.parametrize(
    ("group_empty", "owned", "word"),
    [
        (True, False, Word.EMPTY),
        (True, None, Word.EMPTY),
        (True, True, Word.OK),
        (False, False, Word.OK),
        (False, None, Word.OK),
    ],
)
def test_only_a_group_without_members_is_called_empty_when_nothing_waits(
    group_empty: bool, owned: bool | None, word: Word
) -> None:
    assert judged([100], [100], group_empty=group_empty, owned=owned).word is word


@pytest.mark.parametrize(
    ("commits", "ends", "owned", "word", "reason"),
    [
        (
            steady(40),
            steady(100),
            False,
            Word.STOP,
            "no commit for 45 s or longer while 60 records wait; nobody owns it",
        ),
        (
            steady(99),
            steady(100),
            False,
            Word.STOP,
            "no commit for 45 s or longer while 1 record waits; nobody owns it",
        ),
        (steady(40), rising(100, 7), True, Word.STALL, "no commit for 45 s or longer while 123 records wait"),
        (
            steady(40),
            steady(100),
            None,
            Word.STALL,
            "no commit for 45 s or longer while 60 records wait; who owns it is not known",
        ),
        (rising(0, 5), rising(100, 9), True, Word.WARN, "it falls behind: from 100 records to 136 records in 45 s"),
        (rising(0, 5), rising(100, 9), False, Word.WARN, "it falls behind: from 100 records to 136 records in 45 s"),
        (rising(0, 9), rising(100, 5), True, Word.OK, "it gets on, 64 records behind"),
        (rising(0, 5), rising(100, 5), True, Word.OK, "it gets on, 100 records behind"),
        ([50, 20, *rising(21, 1, 8)], steady(100), True, Word.REWIND, "its commit went back by 22 records"),
    ],
    ids=["stop", "stop by one", "stall", "owner unknown", "warn", "warn unowned", "drains", "equal", "rewind"],
)
def test_a_full_window_tells_how_it_goes(
    commits: list[int], ends: list[int], owned: bool | None, word: Word, reason: str
) -> None:
    found = judged(commits, ends, owned=owned)
    assert (found.word, found.reason, found.lag) == (word, reason, ends[-1] - commits[-1])


@pytest.mark.parametrize("owned", [True, False, None])
@pytest.mark.parametrize("looks", [1, 2, WINDOW - 1])
def test_a_window_that_is_not_full_is_no_verdict(looks: int, owned: bool | None) -> None:
    found = judged(steady(40, looks), steady(100, looks), owned=owned)
    assert (found.word, found.lag, found.reason) == (Word.UNKNOWN, 60, f"measuring: {looks} of 10 looks")


def test_a_restart_of_the_console_is_no_verdict_without_any_sample() -> None:
    seen = Seen(committed=40, start=0, end=100, stable=100, owned=True)
    assert verdict.judge([], seen, group_empty=False).reason == "measuring: 0 of 10 looks"


@pytest.mark.parametrize(
    ("commits", "ends", "changes"),
    [
        # Burrow#38, #123: one record in a long while, seen before it could be read.
        (steady(40), [*steady(40, 9), 41], {"owned": True}),
        (steady(40), [*steady(40, 9), 41], {"owned": False}),
        (steady(40), [40, *steady(41, 9)], {"owned": True}),
        # The producer idles and all is read: no flow is no trouble.
        (steady(40), steady(40), {"owned": True}),
        # spring-kafka#1587: markers stay behind the last commit for ever.
        (steady(40), steady(41), {"owned": True, "only_markers": True}),
        # A record after idle markers: looks where only markers waited have their end at the commit.
        (steady(40), [*steady(40, 9), 43], {"owned": True}),
        # A consumer restarts: nobody owns it for a few looks, it had read everything before.
        ([30, 40, *steady(40, 8)], rising(30, 10), {"owned": False}),
        # Commits every 20 s, looks every 5 s: the lag saws and gets nowhere.
        ([0, 0, 0, 0, 200, 200, 200, 200, 400, 400], rising(100, 50), {"owned": True}),
        # A commit interval nearly as long as the window: one commit in it is a sign of life.
        ([*steady(0, 9), 400], rising(100, 50), {"owned": True}),
        ([0, *steady(100, 9)], rising(150, 0), {"owned": True}),
        # A rewind that caught up again; then one after another, both made good.
        ([50, 20, 30, 40, 50, 60, 70, 75, 80, 85], rising(100, 1), {"owned": True}),
        ([50, 20, 55, 30, 60, 65, 70, 75, 80, 85], rising(100, 1), {"owned": True}),
        # A consumer that is not in the group at all, but commits.
        (rising(0, 9), rising(100, 5), {"owned": False, "group_empty": True}),
    ],
    ids=[
        "slow topic", "slow topic, unowned", "read at the oldest look", "idle producer", "markers",
        "a record after markers", "restart", "saw", "one commit at the end", "one commit at the start",
        "rewind made good", "two rewinds made good", "assigned by hand",
    ],
)  # fmt: skip
def test_no_false_alarm(commits: list[int], ends: list[int], changes: dict[str, object]) -> None:
    assert judged(commits, ends, **changes).word is Word.OK  # type: ignore[arg-type]  # a table of test values


def test_a_restart_with_a_backlog_warns_and_is_no_stop_while_commits_are_in_sight() -> None:
    found = judged([20, 30, *steady(40, 8)], rising(50, 10), owned=False)
    assert (found.word, found.reason) == (Word.WARN, "it falls behind: from 30 records to 100 records in 45 s")


def test_a_second_rewind_counts_though_the_first_was_made_good() -> None:
    # Burrow looks at the first one only.
    assert judged([50, 20, 60, 70, 30, 31, 32, 33, 34, 35], steady(100)).word is Word.REWIND


@pytest.mark.parametrize("back_to", [20, 49])
def test_a_rewind_is_told_before_the_window_is_full(back_to: int) -> None:
    assert judged([50, back_to], [100, 100]).word is Word.REWIND


def test_a_rewind_to_where_nothing_waits_is_none() -> None:
    assert judged([50, 100], [100, 100]).word is Word.OK


@pytest.mark.parametrize(
    ("commits", "ends", "reason"),
    [
        # The reader went on from the start of the new log before a look could show it ahead.
        ([*steady(900, 9), 2], [*steady(950, 9), 8], "measuring: 1 of 10 looks"),
        # Its old commit was ahead of the new log for a while.
        ([*steady(900, 7), 900, 900, 3], [*steady(950, 7), 4, 5, 9], "measuring: 3 of 10 looks"),
    ],
)
def test_a_recreated_topic_is_measured_anew_and_is_no_rewind(commits: list[int], ends: list[int], reason: str) -> None:
    found = judged(commits, ends)
    assert (found.word, found.reason) == (Word.UNKNOWN, reason)


@pytest.mark.parametrize(
    ("commits", "stables", "end", "every_s", "word", "lag"),
    [
        (steady(40), steady(40), 140, 5.0, Word.BLOCKED, 100),
        ([30, *steady(40, 9)], steady(40), 140, 5.0, Word.BLOCKED, 100),  # it read up to where it is held
        (steady(40), steady(40), 140, 1.0, Word.BLOCKED, 100),
        (steady(40), steady(40), 140, 0.5, Word.OK, 0),  # looks so close that any transaction would be caught
        (steady(40, 9), steady(40, 9), 140, 5.0, Word.OK, 0),
        (steady(40), [39, *steady(40, 9)], 140, 5.0, Word.OK, 0),
        (steady(40), steady(40), 40, 5.0, Word.OK, 0),
        (steady(60), steady(40), 140, 5.0, Word.BLOCKED, 80),  # a reader of uncommitted records that stands as well
        (rising(60, 2), steady(40), 140, 5.0, Word.OK, 0),  # one that gets on is held by nothing
        (steady(140), steady(40), 140, 5.0, Word.OK, 0),  # one that has read all
    ],
)
def test_a_hanging_transaction_is_told_from_one_that_goes_on(
    commits: list[int], stables: list[int], end: int, every_s: float, word: Word, lag: int
) -> None:
    found = judged(commits, stables, end=end, stable=stables[-1], every_s=every_s)
    assert (found.word, found.lag) == (word, lag)


def test_a_hanging_transaction_is_said_with_what_waits_behind_it() -> None:
    found = judged(steady(40), steady(40), end=1_244, stable=40)
    assert found.reason == "1,204 records wait behind a transaction that has been open for 45 s or longer"


def test_markers_before_a_hanging_transaction_do_not_hide_it() -> None:
    found = judged(steady(40), steady(42), end=142, stable=42, only_markers=True)
    assert (found.word, found.lag) == (Word.BLOCKED, 100)


def test_readable_records_before_a_hanging_transaction_are_a_stall_of_the_reader() -> None:
    assert judged(steady(40), steady(50), end=150, stable=50).word is Word.STALL


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Word.UNKNOWN),
        ([Word.EMPTY, Word.EMPTY], Word.EMPTY),
        ([Word.EMPTY, Word.OK], Word.OK),
        ([Word.OK, Word.UNKNOWN], Word.UNKNOWN),
        ([Word.UNKNOWN, Word.WARN], Word.WARN),
        ([Word.STALL, Word.UNKNOWN], Word.STALL),
        ([Word.STALL, Word.STOP, Word.WARN], Word.STOP),
        ([Word.TRUNCATED, Word.STOP], Word.TRUNCATED),
    ],
)
def test_a_group_is_as_bad_as_its_worst_partition(words: list[Word], expected: Word) -> None:
    assert verdict.worst(Verdict(word=word, reason="", lag=None) for word in words) is expected


def test_every_word_has_a_severity_of_its_own_and_a_status() -> None:
    assert set(verdict.SEVERITY) == set(Word)
    assert len(set(verdict.SEVERITY.values())) == len(Word)
    assert {word for word in Word if verdict.status_of(word) == "crit"} == verdict.ERRORS
    mild = max(verdict.SEVERITY[word] for word in Word if word not in verdict.ERRORS)
    assert all(verdict.SEVERITY[word] > mild for word in verdict.ERRORS)
