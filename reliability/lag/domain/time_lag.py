"""How long the oldest unread record has been waiting."""

from __future__ import annotations

from typing import NamedTuple

from reliability.lag.domain.end_track import EndTrack


class TimeLag(NamedTuple):
    """How far behind in time a reader is."""

    seconds: float
    at_least: bool
    """The record is older than what was watched: it waits for this long or longer."""


def time_lag(track: EndTrack, committed: int, *, now_s: float) -> TimeLag | None:
    """Return how long ago the record at the commit was written; zero at the end, None where the end was never seen."""
    end = track.end
    if end is None:
        return None
    passed = track.passed(committed)
    if passed is None:
        return TimeLag(0.0, at_least=False)
    return TimeLag(max(0.0, now_s - passed.at_s), at_least=not passed.exact)
