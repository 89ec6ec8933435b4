"""How many shards a relay may own: every live one its fair share, decided by each alone from the same list."""

from __future__ import annotations

from collections.abc import Sequence


def fair_share(*, shards: int, members: Sequence[str], me: str) -> int:
    """Return how many of ``shards`` belong to ``me``; the shares of all ``members`` add up to all shards."""
    if me not in members:
        return 0
    each, left_over = divmod(shards, len(members))
    return each + (1 if sorted(members).index(me) < left_over else 0)


def surplus(*, owned: Sequence[int], share: int, busy: frozenset[int] = frozenset()) -> list[int]:
    """Return the shards to give back now; ``busy`` ones drain first and are given back later."""
    idle = sorted((shard for shard in owned if shard not in busy), reverse=True)
    return idle[: max(0, len(owned) - share)]
