"""Which processes run, of those that should: one that was stopped, or never started, says nothing of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reliability.kafka import clusters
from reliability.live import queries as live_queries
from reliability.live.domain.processes import SILENT_AFTER_S, STOPPED, HeartbeatRow

# What a whole deployment runs; others are missed once they were heard.
ALWAYS = ("web", "beat", "worker-relay", "worker-standard", "worker-bulk")
PER_CLUSTER = ("letters", "lag")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """``heard``: those that live. ``stopped``: the last word of each name that said goodbye and has no other process.

    ``unstarted``: names of a whole deployment that were never heard. Silent ones are in neither.
    """

    heard: Sequence[HeartbeatRow]
    stopped: Sequence[HeartbeatRow]
    unstarted: Sequence[str]

    @property
    def absent(self) -> list[str]:
        """The names of those that do not run."""
        return [*(row.name for row in self.stopped), *self.unstarted]


def wanted() -> list[str]:
    """Return the names of a whole deployment's processes; the main cluster's have no cluster in their name."""
    known = clusters.names()
    each = [name if cluster == clusters.MAIN else f"{name}:{cluster}" for name in PER_CLUSTER for cluster in known]
    return [*ALWAYS, *each]


def running() -> Running:
    """Return who runs and who does not."""
    rows = live_queries.heartbeats()
    goodbyes = {row.name: row for row in sorted(rows, key=lambda row: row.at) if row.state == STOPPED}
    others = {row.name for row in rows if row.state != STOPPED}
    named = {row.name for row in rows}
    return Running(
        heard=[row for row in rows if row.state != STOPPED and not row.is_silent],
        stopped=[row for name, row in sorted(goodbyes.items()) if name not in others and not _is_heard(name)],
        unstarted=[name for name in wanted() if name not in named],
    )


def _is_heard(name: str) -> bool:
    """Whether another process of that name lives on the same host, of which only the last word is a row above."""
    return live_queries.heard_within(name, seconds=SILENT_AFTER_S)
