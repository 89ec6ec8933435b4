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
    told: list[float] = []
    idle = 0
    """Steps before this one in which something waited and no commit moved: who commits rarely read then, too."""
    for at, (before, read) in enumerate(zip(lag, consumed[1:], strict=False), start=1):
        if before is None or read is None or at in without:
            idle = 0
            continue
        if read == 0:
            idle = idle + 1 if before > 0 else 0
            continue
        if before >= read:
            told.append(read / ((idle + 1) * step_s))
        idle = 0
    return median(told) if told else None
