"""One turn of the recorder: what is new in the log, what passed, what was declared."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction

from reliability import live
from reliability.breakers.operations import recording, telling
from reliability.breakers.queries import history
from reliability.breakers.stores import reading
from reliability.breakers.stores.shared import TRAFFIC_KEPT_S, TRAFFIC_PART_S

ENTRIES_AT_A_TIME: Final = 500
FULL_AFTER_S: Final = 3
"""So long after its end a part of the traffic is whole: every process has told by then."""


def step(*, now: datetime) -> int:
    """Write down what is new; return how many generations were. Raises ``Unreachable`` when the store does."""
    declared = reading.declared()
    with transaction.atomic():
        recording.known(declared, now=now)
        after = recording.progress()
        if _is_behind(reading.last_entry(), after):
            recording.begin_anew()
            after = "0-0"
        entries = reading.log_after(after, ENTRIES_AT_A_TIME)
        written = recording.wrote_down(entries, now=now)
        recording.count(reading.traffic(sorted(declared), _parts(now)))
    told = telling.tell(now=now)
    if written or told:
        live.changed("breakers")
    return len(written)


def _parts(now: datetime) -> list[int]:
    """The beginnings of the parts that are whole and not written down."""
    newest = int(now.timestamp() - FULL_AFTER_S) // TRAFFIC_PART_S * TRAFFIC_PART_S - TRAFFIC_PART_S
    written = history.counted_until()
    oldest = newest - TRAFFIC_KEPT_S + 2 * TRAFFIC_PART_S
    first = max(oldest, int(written.timestamp()) + TRAFFIC_PART_S) if written is not None else oldest
    return list(range(first, newest + 1, TRAFFIC_PART_S))


def _is_behind(last: str, after: str) -> bool:
    """Whether the log's newest entry is older than one that is written down: it is another log."""
    return _order(last) < _order(after)


def _order(entry: str) -> tuple[int, int]:
    at, _, number = entry.partition("-")
    return int(at), int(number or 0)
