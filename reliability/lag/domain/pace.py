"""How fast a group reads when nothing but itself holds it back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from statistics import median


def under_load(
    lag: Sequence[int | None], consumed: Sequence[int | None], *, step_s: int, without: Collection[int] = ()
) -> float | None:
    """Return the median of its records a second over those steps of a history that say it; None when none does.

    A step says it when at its begin at least as much waited as was read in it: one that keeps up reads as much as comes
    in, however fast it could. ``lag`` is that at each step's end; ``without``: steps (by index) whose commits moved
    otherwise than by reading.
    """
    told = [
        read / step_s
        for at, (before, read) in enumerate(zip(lag, consumed[1:], strict=False), start=1)
        if read and before is not None and before >= read and at not in without
    ]
    return median(told) if told else None
