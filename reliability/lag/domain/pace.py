"""How fast a group reads when nothing but itself holds it back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from statistics import median_high


def under_load(
    lag: Sequence[int | None], consumed: Sequence[int | None], *, step_s: int, without: Collection[int] = ()
) -> float | None:
    """Return the (upper) median of its records a second over the steps of a history that say it; None if none does.

    The upper one, since the step in which a backlog began to be worked off was not all of it.

    A step says it when at its begin at least as much waited as was read in it: one that keeps up reads as much as comes
    in, however fast it could. ``lag`` is that at each step's end; ``without``: steps (by index) whose commits moved
    otherwise than by reading.
    """
    told: list[tuple[int, int]] = []
    idle = 0  # steps before this one in which something waited and no commit moved
    for at, (before, read) in enumerate(zip(lag, consumed[1:], strict=False), start=1):
        if before is None or read is None or at in without:
            idle = 0
            continue
        if read == 0:
            idle = idle + 1 if before > 0 else 0
            continue
        if before >= read:
            told.append((read, idle + 1))
        idle = 0
    if not told:
        return None
    # Who commits rarely read in the steps before it, too; who was stopped once did not.
    usual = median_high(steps for _, steps in told)
    return median_high(read / (min(steps, usual) * step_s) for read, steps in told)
