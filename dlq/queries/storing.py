"""Whether dead letters are stored: a process for each cluster does that, and without it nothing new is seen here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reliability.console.domain.values import Item
from reliability.kafka import clusters
from reliability.kernel.command_line import spelled
from reliability.live import queries as live_queries
from reliability.live.domain.processes import SILENT_AFTER_S

URL = "/letters/"
PROCESSES_URL = "/settings/#processes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A cluster of which no process stores dead letters; ``since``: when one was last heard, None when never."""

    cluster: str
    since: datetime | None

    @property
    def sentence(self) -> str:
        """What is wrong; the only cluster needs no name."""
        where = "" if clusters.names() == [self.cluster] else f" of cluster {self.cluster}"
        return f"No process stores dead letters{where}"

    @property
    def detail(self) -> str:
        """What comes of it, and what to do."""
        which = () if self.cluster == clusters.MAIN else ("--cluster", self.cluster)
        command = spelled("consume_dead_letters", *which)
        return f"New ones wait in their topics, and are not seen here. Start: {command}"


def process_name(cluster: str) -> str:
    """Return the name under which the process that stores a cluster's letters sends heartbeats."""
    return "letters" if cluster == clusters.MAIN else f"letters:{cluster}"


def unread() -> list[Unread]:
    """Return the configured clusters without such a process heard lately that has not stopped."""
    alone = [each for each in clusters.names() if not _is_heard(process_name(each))]
    if not alone:
        return []
    last = {row.name: row.at for row in sorted(live_queries.heartbeats(), key=lambda row: row.at)}
    return [Unread(cluster=each, since=last.get(process_name(each))) for each in alone]


def _is_heard(name: str) -> bool:
    return live_queries.heard_within(name, seconds=SILENT_AFTER_S)


def attention() -> Sequence[Item]:
    """An item for each cluster of which nobody stores the letters."""
    return [
        Item(
            id=f"letters:unread:{each.cluster}",
            room="letters",
            status="crit",
            word="Missing",
            is_cause=True,
            title=each.sentence,
            detail=each.detail,
            since=each.since,
            url=URL,
            act_label="See processes",
            act_url=PROCESSES_URL,
            lines=0,  # the badge counts failures
        )
        for each in unread()
    ]
