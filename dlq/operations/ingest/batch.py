"""A batch of dead-letter records becomes letters, in one transaction, each record once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from django.db import IntegrityError, transaction

from dlq.domain import letter as letters
from dlq.operations.ingest import groups, rows
from dlq.operations.ingest.values import Incoming, Stored
from reliability import live
from reliability.console import registry
from reliability.kernel.record import Record
from reliability.kernel.telemetry import metrics, names

log = structlog.get_logger(__name__)

AHEAD_MAX = 10_000  # letters read and not yet stored; a few batches, some megabytes


class Ahead:
    """Reads letters before their batch is stored: on the polling thread, while the other waits for the database.

    What it is never asked for is forgotten when there is much of it; what it does not know, it reads when asked.
    """

    def __init__(self) -> None:
        self._letters: dict[int, tuple[Record, letters.Letter]] = {}

    def read(self, records: Sequence[Record]) -> None:
        """Read them now."""
        if len(self._letters) + len(records) > AHEAD_MAX:
            self._letters = {}
        for record in records:
            self._letters[id(record)] = record, _read(record)  # the record is kept, so its id is nobody else's

    def take(self, record: Record) -> letters.Letter:
        """Return the letter of a record."""
        found = self._letters.pop(id(record), None)
        return found[1] if found is not None else _read(record)


def store(
    records: Sequence[Record],
    *,
    cluster: str,
    topic_ids: Mapping[str, str],
    now: datetime,
    ahead: Ahead | None = None,
) -> Stored:
    """Store records of dead-letter topics as letters, all or none; ``topic_ids`` names each topic's broker-given id.

    A record that was stored before (same cluster, topic id, partition, offset) is left as it is. A letter of a failure
    that another open letter tells of is stored as its duplicate. ``ahead`` may have read them. Raises what the
    database raises; nothing is skipped.
    """
    if not records:
        return Stored()
    letter_of = _read if ahead is None else ahead.take
    batch = [Incoming(record=each, letter=letter_of(each), topic_id=topic_ids[each.topic]) for each in records]
    try:
        stored = _write(batch, cluster=cluster, now=now)
    except IntegrityError:
        # A reader of another release, which has it in another group, was faster than our write: look again, once.
        log.info("letters_stored_by_another", topic=records[0].topic, partition=records[0].partition)
        stored = _write(batch, cluster=cluster, now=now)
    _measure(batch, stored)
    return stored


def _read(record: Record) -> letters.Letter:
    try:
        return letters.read(record)
    except Exception as error:  # one record's edge: whatever breaks a parser, its bytes must be stored
        log.exception("letter_not_parsed", topic=record.topic, partition=record.partition, offset=record.offset)
        return letters.unreadable(record, error=f"{type(error).__name__}: {error}")


@transaction.atomic
def _write(batch: Sequence[Incoming], *, cluster: str, now: datetime) -> Stored:
    for each in batch:
        each.id, each.duplicate_of = 0, None  # of a first try that was rolled back
    # Locked before we look: a record is always of the same group, so another reader of it waits here and then sees it.
    locked, new_groups = groups.lock(batch, now=now)
    fresh = rows.unstored(batch, cluster=cluster)
    if not fresh:
        return Stored(again=len(batch))
    rows.number(fresh)
    rows.write(fresh, cluster=cluster, now=now)
    rows.find_leaders(fresh)
    groups.count(fresh, locked, now=now)
    live.changed("letters")
    registry.touched("letter", [each.id for each in fresh], by="letters")
    duplicates = sum(each.duplicate_of is not None for each in fresh)
    return Stored(letters=len(fresh), again=len(batch) - len(fresh), duplicates=duplicates, new_groups=new_groups)


def _measure(batch: Sequence[Incoming], stored: Stored) -> None:
    metrics.observe(names.LETTERS_INGEST, len(batch))
    if stored.again:
        metrics.inc(names.LETTERS_DOUBLED, stored.again)
    written = Counter(each.letter.failure.dialect for each in batch if each.id)
    for dialect, count in written.items():
        metrics.inc(names.LETTERS_STORED, count, dialect=dialect)
