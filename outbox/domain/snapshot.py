"""PostgreSQL snapshots as values: which transactions one shows, and which another shows besides."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What ``pg_current_snapshot()`` says, ``xmin:xmax:running,running``.

    Shown is every transaction below ``xmin``, and those from there to below ``xmax`` that are not ``running``.
    """

    xmin: int
    xmax: int
    running: frozenset[int] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Snapshot:
        """Read PostgreSQL's text form; raises ValueError."""
        xmin, xmax, running = text.split(":")
        return cls(int(xmin), int(xmax), frozenset(int(xid) for xid in running.split(",") if xid))

    def __str__(self) -> str:
        return f"{self.xmin}:{self.xmax}:{','.join(str(xid) for xid in sorted(self.running))}"

    def shows(self, xid: int) -> bool:
        """Whether what transaction ``xid`` wrote is visible, provided that it committed."""
        return xid < self.xmax and xid not in self.running

    def shows_besides(self, xid: int, *, before: Snapshot) -> bool:
        """Whether ``xid`` lies in the window (``before``, self]: visible here and not there."""
        return self.shows(xid) and not before.shows(xid)


NOTHING = Snapshot(3, 3)
"""Shows nothing: 3 is the first transaction number of a cluster."""
