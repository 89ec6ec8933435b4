"""How numbers, sizes, ages and times are worded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reliability.console.domain import sentences, times, wording

NOW = datetime(2026, 11, 21, 3, 14, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "now"),
        (2, "2 s ago"),
        (59.7, "1 min ago"),
        (61, "1 min ago"),
        (3_599, "59 min ago"),
        (3_600, "1 h ago"),
        (47 * 3_600, "47 h ago"),
        (48 * 3_600, "2 d ago"),
        (-300, "in 5 min"),
    ],
)
def test_an_age_is_in_the_largest_unit_that_fits(seconds: float, words: str) -> None:
    assert wording.age(seconds) == words


@pytest.mark.parametrize(
    ("value", "words"), [(None, "—"), (0, "0"), (2431, "2,431"), (0.25, "0.2"), (12.0, "12"), (1234.5, "1,234")]
)
def test_numbers_have_thousands_and_few_decimals(value: float | None, words: str) -> None:
    assert wording.number(value) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(None, "—"), (0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (64_000, "64 kB"), (10_485_760, "10 MB")],
)
def test_sizes_are_in_thousands_of_bytes(count: int | None, words: str) -> None:
    assert wording.size(count) == words


def test_a_long_id_loses_its_middle_and_nothing_else() -> None:
    cut = wording.middle_cut("0123456789abcdef", 9)
    assert cut == "0123…cdef"
    assert wording.middle_cut("short", 9) == "short"


def test_a_sparkline_starts_left_ends_right_and_touches_its_top() -> None:
    line = wording.spark_line([0, 5, 10])
    assert line.startswith("M0.0 26.0")
    assert line.endswith("120.0 2.0")


def test_the_last_stretch_of_a_sparkline_stands_apart_when_its_minute_is_not_over() -> None:
    line, rest = wording.spark_parts([0, 10, 5])
    assert line == "M0.0 26.0L60.0 2.0"
    assert rest == "M60.0 2.0L120.0 14.0"
    assert wording.spark_area(line) == "M0.0 26.0L60.0 2.0L60.0 28L0 28z"
    assert wording.spark_parts([]) == ("M0.0 26.0", "M0.0 26.0L120.0 26.0")


def test_a_sparkline_breaks_where_a_point_is_not_known() -> None:
    line, area = wording.spark_broken([0, 10, None, 10, 10])
    assert line == "M0.0 26.0L30.0 2.0M90.0 2.0L120.0 2.0"
    assert area == "M0.0 26.0L30.0 2.0L30.0 28L0.0 28zM90.0 2.0L120.0 2.0L120.0 28L90.0 28z"


def test_a_point_alone_between_gaps_is_a_stroke() -> None:
    assert wording.spark_broken([None, 4, None])[0] == "M60.0 2.0h60.0"
    assert wording.spark_broken([None, 4])[0] == "M120.0 2.0h-120.0"
    assert wording.spark_broken([None, None]) == ("", "")


def test_a_sparkline_of_nothing_is_a_flat_line() -> None:
    assert wording.spark_line([]) == "M0.0 26.0L120.0 26.0"
    assert wording.spark_line([0, 0]) == "M0.0 26.0L120.0 26.0"


def test_times_are_relative_unless_the_reader_chose_otherwise() -> None:
    assert times.times_of("").mode == "relative"
    assert times.times_of("utc").mode == "utc"
    assert times.times_of("Europe/Berlin").label == "Europe/Berlin"


@pytest.mark.parametrize("choice", ["../../etc/passwd", "No/Where", "a/" + "x" * 5000, "Europe/\0"])
def test_a_zone_that_does_not_exist_is_ignored(choice: str) -> None:
    assert times.times_of(choice) == times.RELATIVE


def test_a_clock_shows_the_day_only_when_it_is_another_one() -> None:
    shown = times.times_of("Europe/Berlin")
    assert shown.moment(NOW, now=NOW) == "04:14:22 CET"
    assert shown.clock(NOW - timedelta(days=2), now=NOW) == "19 Nov 04:14"
    assert shown.clock(NOW - timedelta(days=400), now=NOW) == "2025-10-17 05:14"


def test_an_act_is_told_as_a_sentence_with_its_reason() -> None:
    said = sentences.sentence(act="letters.replay_pause", target="replay:118", outcome="done", reason="wait")
    assert said == "paused replay #118: “wait”"
    assert sentences.sentence(act="new.act", target="thing:x", outcome="refused") == "was refused: new.act thing x"


@pytest.mark.parametrize(
    ("act", "target", "outcome", "on", "said"),
    [
        ("letters.replay", "plan:1", "refused", None, "was refused: start plan #1"),
        ("letters.replay", "replay:1", "failed", None, "failed: start replay #1"),
        ("outbox.pause", "outbox:shard:1,2", "done", None, "paused outbox shard 1,2"),
        ("letters.restore", "discard:1", "done", None, "undid discard #1"),
        ("demo.switch", "fault:stock_bug", "done", True, "marked fault stock_bug as broken"),
        ("demo.switch", "fault:stock_bug", "done", False, "marked fault stock_bug as recovered"),
        ("demo.switch", "fault:stock_bug", "refused", True, "was refused: mark fault stock_bug as broken"),
    ],
)
def test_what_was_not_done_is_not_told_as_done_and_a_switch_says_which_way(
    act: str, target: str, outcome: str, on: bool | None, said: str
) -> None:
    assert sentences.sentence(act=act, target=target, outcome=outcome, on=on) == said


def test_a_fault_is_called_by_its_title_when_the_entry_knows_it() -> None:
    said = sentences.sentence(act="demo.switch", target="fault:x", outcome="done", on=False, title="Payment provider")
    assert said == "marked Payment provider as recovered"
