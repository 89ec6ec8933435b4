"""Times of offsets from looks at the end of a log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.lag.domain.end_track import POINTS_MAX, EndTrack, Passed


def track(*points: tuple[int, float]) -> EndTrack:
    made = EndTrack()
    for end, at_s in points:
        made.add(end, at_s)
    return made


@pytest.mark.parametrize(
    ("looks", "kept"),
    [
        ([(5, 10.0), (5, 20.0), (5, 30.0), (5, 40.0)], [(5, 10.0), (5, 40.0)]),
        ([(5, 10.0), (5, 20.0), (9, 30.0), (9, 40.0), (9, 50.0)], [(5, 10.0), (5, 20.0), (9, 30.0), (9, 50.0)]),
        ([(5, 10.0), (7, 10.0), (8, 9.0), (9, 11.0)], [(5, 10.0), (9, 11.0)]),
        ([(500, 10.0), (600, 20.0), (3, 30.0), (4, 40.0)], [(3, 30.0), (4, 40.0)]),
        ([(500, 20.0), (3, 10.0)], [(500, 20.0)]),
    ],
    ids=["flat line", "two flat lines", "time stands or goes back", "log made anew", "an old answer"],
)
def test_looks_are_kept_as_a_line(looks: list[tuple[int, float]], kept: list[tuple[int, float]]) -> None:
    assert track(*looks).points() == kept


@pytest.mark.parametrize(
    ("looks", "offset", "passed"),
    [
        ([], 5, None),
        ([(5, 10.0)], 5, None),
        ([(5, 10.0)], 9, None),
        ([(5, 10.0)], 4, Passed(10.0, exact=False)),
        ([(5, 10.0), (5, 99.0)], 2, Passed(10.0, exact=False)),  # an idle topic divides by nothing
        ([(5, 10.0), (5, 99.0)], 5, None),
        # One record between two looks came half-way, on the average.
        ([(5, 10.0), (6, 20.0)], 5, Passed(15.0, exact=True)),
        ([(0, 0.0), (99, 100.0)], 0, Passed(1.0, exact=True)),
        ([(0, 0.0), (99, 100.0)], 49, Passed(50.0, exact=True)),
        ([(0, 0.0), (99, 100.0)], 98, Passed(99.0, exact=True)),
        # After a pause the time is that of the next burst, not of the pause (kafka-lag-exporter#121).
        ([(0, 0.0), (9, 10.0), (9, 1_000.0), (18, 1_010.0)], 9, Passed(1_001.0, exact=True)),
        ([(0, 0.0), (9, 10.0), (9, 1_000.0), (18, 1_010.0)], 8, Passed(9.0, exact=True)),
        ([(100, 0.0), (200, 10.0)], -1_000_000, Passed(0.0, exact=False)),  # no extrapolation to years ago (#496)
    ],
)
def test_an_offset_has_a_time(looks: list[tuple[int, float]], offset: int, passed: Passed | None) -> None:
    assert track(*looks).passed(offset) == passed


def test_a_long_watch_stays_small_and_keeps_its_oldest_look() -> None:
    watched = EndTrack()
    for look in range(50_000):
        watched.add(look * 10, look * 5.0)
        assert len(watched) <= POINTS_MAX
    assert watched.points()[0] == (0, 0.0)
    assert len(watched) > POINTS_MAX // 2


@pytest.mark.parametrize("age_looks", [1, 30, 100, 1_000, 10_000, 40_000])
def test_the_time_of_an_old_offset_gets_rougher_with_its_age_only(age_looks: int) -> None:
    watched = EndTrack()
    ends, end = [], 0
    for look in range(50_000):
        end += 50 if look // 7 % 3 else 3  # the rate changes every 35 s
        ends.append(end)
        watched.add(end, look * 5.0)
    written_s = (50_000 - 1 - age_looks) * 5.0
    passed = watched.passed(ends[-1 - age_looks] - 1)
    assert passed is not None
    assert passed.exact
    assert abs(passed.at_s - written_s) <= max(5.0, 0.25 * age_looks * 5.0)


def test_pauses_keep_both_their_ends_when_old_looks_thin_out() -> None:
    watched = EndTrack()
    for look in range(POINTS_MAX + 1):
        # Ten pauses of a quarter of an hour in a steady flow.
        watched.add(look * 10 if look % 12 else max(0, look - 1) * 10, look * 5.0 + look // 12 * 900.0)
    pauses = [(a, b) for (a, _), (b, _) in zip(watched.points(), watched.points()[1:], strict=False) if a == b]
    assert len(pauses) == 10
    assert len(watched) < POINTS_MAX


def test_a_track_of_nothing_but_pauses_is_bounded_too() -> None:
    watched = EndTrack()
    for look in range(10_000):
        watched.add(look // 2 * 100, look * 5.0)
        assert len(watched) <= POINTS_MAX
    assert watched.points()[0] == (0, 0.0)


STEPS = st.lists(st.tuples(st.integers(0, 10**12), st.floats(0.001, 10**7)), max_size=300)


@given(start=st.integers(0, 2**60), steps=STEPS)
def test_points_go_on_in_time_and_times_of_offsets_never_go_back(start: int, steps: list[tuple[int, float]]) -> None:
    watched, end, at_s = EndTrack(), start, 1_700_000_000.0
    for step, seconds in steps:
        end, at_s = end + step, at_s + seconds
        watched.add(end, at_s)
    points = watched.points()
    assert points == sorted(points)
    assert len(points) <= POINTS_MAX
    times = [found.at_s for offset, _ in points if (found := watched.passed(offset)) is not None]
    assert times == sorted(times)
    assert watched.passed(end) is None


@given(start=st.integers(0, 2**40), steps=STEPS)
def test_a_track_survives_storing(start: int, steps: list[tuple[int, float]]) -> None:
    watched, end, at_s = EndTrack(), start, 1_700_000_000.0
    for step, seconds in steps:
        end, at_s = end + step, at_s + seconds
        watched.add(end, at_s)
    again = EndTrack.unpack(watched.pack())
    assert [each for each, _ in again.points()] == [each for each, _ in watched.points()]
    assert [time for _, time in again.points()] == pytest.approx([time for _, time in watched.points()], abs=0.001)


def test_a_stored_track_is_small() -> None:
    watched = track(*((look * 5_000, look * 5.0) for look in range(POINTS_MAX)))
    assert len(watched.pack()) < 1_000


@pytest.mark.parametrize(
    "packed",
    [
        b"\x04",
        b"nonsense that was never a track",
        track((1, 1.0), (2, 2.0)).pack()[:-1],
        track((1, 1.0), (2, 2.0)).pack() + b"x",
        b"\x04\xff\xff" + b"\0" * 300,
        b"\x04\0\0" + b"\0" * 16,
        b"\x04\x02\0" + b"\xff" * 7 + b"\x7f" + b"\0" * 8 + b"\1\0\0\0" * 2,  # an end beyond 2^63
    ],
)
def test_bytes_that_are_no_track_are_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="not the track of a log"):
        EndTrack.unpack(packed)
