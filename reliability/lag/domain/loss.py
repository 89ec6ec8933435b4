"""When something will be lost: records that retention deletes unread, and commits of a group that nobody uses."""

from __future__ import annotations

from typing import Literal, NamedTuple

from reliability.lag.domain.time_lag import TimeLag

GROWTH_MIN = 0.01
"""A time lag that grows by less (seconds a second) stands still, within what can be measured."""


class Forecast(NamedTuple):
    """When retention reaches the commit if all goes on as it did; the earliest, for brokers delete whole segments."""

    seconds: float
    by: Literal["time", "size"]
    """What deletes the records: their age, or the size of the log (or an order to delete)."""
    at_most: bool
    """The oldest unread record is older than what was watched: less is left than this."""


def forecast(
    *,
    time_lag: TimeLag | None,
    growth: float | None,
    retention_s: float | None,
    margin: int | None,
    start_rate: float | None,
    commit_rate: float | None,
) -> Forecast | None:
    """Return when the first unread record will be deleted; None when none is in danger, as far as is known.

    ``growth``: by how many seconds a second the time lag grows (1 when the reader stands). ``margin``: records between
    the start of the log and the commit. Rates are records a second by which the start and the commit move. None for
    what is not known, or for no limit. The sooner of both ways counts.
    """
    found = (_by_time(time_lag, growth, retention_s), _by_size(margin, start_rate, commit_rate))
    return min((each for each in found if each is not None), default=None)


def _by_time(time_lag: TimeLag | None, growth: float | None, retention_s: float | None) -> Forecast | None:
    if time_lag is None or retention_s is None or time_lag.seconds == 0:
        return None
    left_s = retention_s - time_lag.seconds
    if left_s <= 0:
        return Forecast(0.0, "time", at_most=time_lag.at_least)  # due: whether it catches up or not
    if growth is None or growth < GROWTH_MIN:
        return None
    return Forecast(left_s / min(growth, 1.0), "time", at_most=time_lag.at_least)  # nothing ages faster than time


def _by_size(margin: int | None, start_rate: float | None, commit_rate: float | None) -> Forecast | None:
    if margin is None or start_rate is None or commit_rate is None or start_rate <= commit_rate:
        return None
    return Forecast(max(margin, 0) / (start_rate - commit_rate), "size", at_most=False)


def expiry_s(*, empty_since_s: float | None, offsets_kept_s: float | None, now_s: float) -> float | None:
    """Return in how many seconds the commits of an empty group are deleted; None when it is in use, or not known.

    ``empty_since_s``: when the group was first seen empty (Unix seconds); it may have been so before, so this is the
    latest. ``offsets_kept_s``: the broker's offsets.retention.minutes, in seconds.
    """
    if empty_since_s is None or offsets_kept_s is None:
        return None
    return max(0.0, empty_since_s + offsets_kept_s - now_s)
