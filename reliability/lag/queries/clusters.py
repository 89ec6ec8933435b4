"""How the polling of each cluster goes: how old what is shown is, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reliability import access
from reliability.lag.models import Cluster
from reliability.lag.queries.rows import number_in
from reliability.live import queries as live_queries

PROCESS = "lag"
"""The name under which the poller's process sends heartbeats."""
HEARD_WITHIN_S = 15.0
OLD_AFTER = timedelta(seconds=150)
"""Two and a half of the intervals in which a quiet group is looked at: older figures are drawn as old."""
MORE_IN_WORDS = "the reason is shown to accounts that see every topic"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRow:
    """A cluster as shown. ``error`` is empty while polling goes well.

    ``asks``: what of its budget polling takes, in words. ``left_out``: groups whose names cannot be shown.
    """

    name: str
    polled_at: datetime | None
    took_s: float | None
    groups: int | None
    partitions: int | None
    error: str
    error_since: datetime | None
    asks: str
    left_out: int
    stretch: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """How polling goes as a whole. ``is_running``: a process that polls was heard within seconds."""

    clusters: Sequence[ClusterRow]
    is_running: bool

    @property
    def failing(self) -> list[ClusterRow]:
        """Clusters that tell nothing now."""
        return [each for each in self.clusters if each.error]

    @property
    def polled_at(self) -> datetime | None:
        """When a poll last ended well; of several clusters the one that is oldest."""
        return min((each.polled_at for each in self.clusters if each.polled_at), default=None)

    def is_old(self, cluster: str, polled_at: datetime, *, now: datetime) -> bool:
        """Whether figures of that age are not to be taken for those of now."""
        stretch = next((each.stretch for each in self.clusters if each.name == cluster), None) or 1.0
        return now - polled_at > OLD_AFTER * max(1.0, stretch)


def polling(*, actor: access.Actor) -> Polling:
    """Return every cluster, and whether anybody polls. Counts and error texts are for who sees every topic."""
    everything = access.visible_topics(actor).is_everything
    return Polling(
        clusters=[_row(each, everything) for each in Cluster.objects.filter(retired_at=None).order_by("name")],
        is_running=live_queries.heard_within(PROCESS, seconds=HEARD_WITHIN_S),
    )


def _row(cluster: Cluster, everything: bool) -> ClusterRow:
    return ClusterRow(
        name=cluster.name,
        polled_at=cluster.polled_at,
        took_s=cluster.took_s,
        groups=cluster.groups if everything else None,
        partitions=cluster.partitions if everything else None,
        error=(cluster.error if everything else MORE_IN_WORDS) if cluster.error else "",
        error_since=cluster.error_since,
        asks=str(cluster.facts.get("asks", "")),
        left_out=int(number_in(cluster.facts, "left_out") or 0) if everything else 0,
        stretch=number_in(cluster.facts, "stretch"),
    )
