"""Which transaction holds back the records behind a blocked partition: asked for those alone, and not every time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import structlog

from reliability.kafka import ports
from reliability.kernel.record import TopicPartition
from reliability.kernel.text import printable
from reliability.lag.domain.summary import PartitionRow
from reliability.lag.domain.values import Word

log = structlog.get_logger(__name__)

FRESH_S, FORGOTTEN_S = 30.0, 600.0
ASKED_MAX = 50  # partitions of one look: each costs its leader a look through its producers
NAME_CHARS_MAX = 100


class Transactions:
    """Names what blocked partitions wait for."""

    def __init__(self, admin: ports.GroupAdmin) -> None:
        self._admin = admin
        self._known: dict[TopicPartition, tuple[float, ports.OpenTransaction | None]] = {}

    def named(self, rows: Sequence[PartitionRow], *, at_s: float) -> list[PartitionRow]:
        """Return the rows, with the oldest open transaction in the reasons of those that are blocked."""
        blocked = [TopicPartition(row.topic, row.partition) for row in rows if row.word == Word.BLOCKED]
        if not blocked:
            return list(rows)
        self._known = {place: each for place, each in self._known.items() if at_s - each[0] < FORGOTTEN_S}
        self._ask([place for place in blocked if at_s - self._known.get(place, (0.0, None))[0] >= FRESH_S], at_s)
        return [self._with_name(row) if row.word == Word.BLOCKED else row for row in rows]

    def _ask(self, places: list[TopicPartition], at_s: float) -> None:
        if not places:
            return
        try:
            found = self._admin.transactions(places[:ASKED_MAX])
        except (ports.Unavailable, ports.Unsupported) as error:
            log.info("lag_transactions_not_told", error=str(error))
            found = {}
        for place in places:
            told = found.get(place)
            oldest = told[0] if isinstance(told, list) and told else None
            self._known[place] = (at_s, oldest)

    def _with_name(self, row: PartitionRow) -> PartitionRow:
        oldest = self._known.get(TopicPartition(row.topic, row.partition), (0.0, None))[1]
        if oldest is None:
            return row
        name = printable(oldest.transactional_id, limit=NAME_CHARS_MAX) or f"producer {oldest.producer_id}"
        since = _instant(oldest.since_ms)
        wrote = f", last wrote at {since:%H:%M:%S} UTC" if since else ""
        return row._replace(reason=f"{row.reason}: {name}{wrote}, holds offset {oldest.first_offset:,}")


def _instant(ms: int | None) -> datetime | None:
    """A timestamp that a client chose; None for one that is no time."""
    try:
        return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
