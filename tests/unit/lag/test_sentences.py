"""Lag in words: what is not known is never zero, a lower bound says so."""

from __future__ import annotations

import pytest

from reliability.lag.domain import sentences
from reliability.lag.domain.values import Word


def test_every_word_has_a_label_and_a_meaning() -> None:
    assert set(sentences.LABELS) == set(sentences.MEANINGS) == set(Word)
    assert len(set(sentences.LABELS.values())) == len(Word), "no two words look alike"


@pytest.mark.parametrize(
    ("seconds", "at_least", "words"),
    [
        (None, False, "not known"),
        (0.0, False, "0 s"),
        (0.4, False, "0.4 s"),
        (720.0, False, "12 min"),
        (1_800.0, True, "≥ 30 min"),
        (0.0, True, "≥ 0 s"),
    ],
)
def test_how_far_behind(seconds: float | None, at_least: bool, words: str) -> None:
    assert sentences.span(seconds, at_least=at_least) == words


@pytest.mark.parametrize(("records", "words"), [(None, "not known"), (0, "0"), (12_345, "12,345")])
def test_how_many_records(records: int | None, words: str) -> None:
    assert sentences.count(records) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0"), (9_999_999, "9,999,999"), (12_345_678, "12.3 M"), (999_999_999, "1,000.0 M"), (41 * 10**9, "41.0 G")],
)
def test_a_tile_has_room_for_any_number(number: int, words: str) -> None:
    assert sentences.short_count(number) == words


@pytest.mark.parametrize(
    ("per_s", "words"),
    [
        (None, "not known"),
        (0.0, "0/s"),
        (120.4, "120/s"),
        (12.0, "12/s"),
        (0.5, "0.5/s"),
        (3.0, "3/s"),
        (0.05, "3/min"),
    ],
)
def test_a_rate_is_in_the_unit_that_makes_a_number_of_it(per_s: float | None, words: str) -> None:
    assert sentences.rate(per_s) == words


@pytest.mark.parametrize(
    ("trend", "lag", "eta_s", "growth", "words"),
    [
        ("growing", 9, None, 120.0, "growing 120/s"),
        ("growing", 9, None, None, "growing"),
        ("growing", 9, None, -2.0, "growing"),
        ("shrinking", 9, 240.0, None, "drains in ~4 min"),
        ("shrinking", 9, None, None, "shrinking"),
        ("steady", 9, None, None, "steady"),
        ("steady", 0, 0.0, None, ""),
        ("", 9, None, None, ""),
        ("growing", None, None, 1.0, ""),
    ],
)
def test_where_a_lag_goes(trend: str, lag: int | None, eta_s: float | None, growth: float | None, words: str) -> None:
    assert sentences.course(trend=trend, lag=lag, eta_s=eta_s, growth_per_s=growth) == words


@pytest.mark.parametrize(
    ("loss_s", "words"), [(None, ""), (7_200.0, "records lost in ~2 h"), (0.0, "records may be lost now")]
)
def test_when_records_are_lost(loss_s: float | None, words: str) -> None:
    assert sentences.loss(loss_s) == words


@pytest.mark.parametrize(
    ("owned", "behind", "words"),
    [
        (None, None, ""),
        (1.0, 1.9, ""),
        (1.5, None, "One member owns 1.5 times an even share."),
        (1.0, 4.0, "One has 4 times the mean lag."),
        (2.0, 2.0, "One member owns 2 times an even share, one has 2 times the mean lag."),
    ],
)
def test_an_uneven_load_is_told(owned: float | None, behind: float | None, words: str) -> None:
    assert sentences.unevenness(owned, behind) == words


@pytest.mark.parametrize(
    ("ms", "size", "deletes", "compacts", "words"),
    [
        (None, None, None, None, "not known"),
        (7 * 86_400_000, -1, True, False, "kept for 7 d"),
        (3_600_000, 10**9, True, True, "kept for 60 min, up to 1 GB in a partition, the newest of each key is kept"),
        (-1, -1, True, False, "kept for good"),
        (3_600_000, -1, False, True, "the newest of each key is kept"),
    ],
)
def test_what_becomes_of_old_records(
    ms: int | None, size: int | None, deletes: bool | None, compacts: bool | None, words: str
) -> None:
    shown = sentences.retention(ms, size, deletes=deletes, compacts=compacts)
    assert shown == words.replace("60 min", "1 h")
