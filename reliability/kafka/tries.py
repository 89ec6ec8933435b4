"""How often our own services try a record, and what is remembered of the tries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlingPolicy:
    """How often and how long a record is tried. Times in seconds."""

    blocking_retries: int = 2
    """For Transient: tries in place besides the first. The partition waits meanwhile, so order is kept."""
    undeclared_retries: int = 2
    """The same for errors nobody declared."""
    wait_base_s: float = 0.2
    wait_cap_s: float = 5.0
    retries: tuple[int, ...] = ()
    """Delays of the retry topics, in order. Not empty: a key's later records may overtake a failed one."""
    deaths_max: int = 3
    """So many processes may die over a record before it is given up."""


@dataclass(slots=True)
class Tries:
    """What is remembered of the record at the head of a partition, in counts."""

    offset: int
    failed: int = 0
    deaths: int = 0
    away: int = 0

    @property
    def made(self) -> int:
        """How often the record was tried: by this process as far as it knows, and by those that died over it."""
        return max(self.failed + self.deaths, 1)
