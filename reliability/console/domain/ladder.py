"""Time limits that lie inside one another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def faults(rungs: Sequence[tuple[str, float]]) -> list[str]:
    """Sentences for every limit that is not longer than the one inside it."""
    return [
        f"{outer} ({outer_s:g} s) must be longer than {inner} ({inner_s:g} s), which it gives up on"
        for (inner, inner_s), (outer, outer_s) in pairwise(rungs)
        if outer_s <= inner_s
    ]


def spoken(rungs: Sequence[tuple[str, float]]) -> str:
    """The ladder in one line."""
    return " < ".join(f"{name} {seconds:g} s" for name, seconds in rungs)
