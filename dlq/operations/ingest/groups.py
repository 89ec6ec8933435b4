"""Failure groups of a batch: made, locked, counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from dlq.domain import fingerprint
from dlq.models.letters import LetterGroup
from dlq.operations.ingest.values import Incoming

TOPICS_KEPT = 100  # names a group remembers; a failure seen in more topics is everywhere
SAMPLE_CHARS_MAX = 500

_COUNT = """
UPDATE dlq_lettergroup
   SET count = count + %s, open_count = open_count + %s, duplicate_count = duplicate_count + %s,
       topic = %s, topics = %s, sources = %s, last_seen = greatest(last_seen, %s)
 WHERE id = %s
"""
_MINUTE = """
INSERT INTO dlq_groupminute (group_id, minute, count) VALUES (%s, %s, %s)
ON CONFLICT (group_id, minute) DO UPDATE SET count = dlq_groupminute.count + EXCLUDED.count
"""


@dataclass(slots=True)
class Group:
    """A group that is locked until the transaction ends, with what the batch adds to it."""

    id: int
    topics: list[str]
    sources: list[str]
    topic: str = ""
    leaders: int = 0
    duplicates: int = field(default=0)

    def add(self, each: Incoming) -> None:
        """Count one letter."""
        origin, source = each.letter.failure.origin_topic, each.record.topic
        if origin:
            self.topic = origin
            _remember(self.topics, origin)
        _remember(self.sources, source)
        if each.duplicate_of is None:
            self.leaders += 1
        else:
            self.duplicates += 1


def lock(batch: Sequence[Incoming], *, now: datetime) -> tuple[dict[str, Group], int]:
    """Return the groups of a batch by fingerprint, all locked, and how many of them are new.

    First made in the order of their fingerprints, then locked in the order of their ids, which is the order of every
    writer: so two never wait for each other in a circle.
    """
    samples = {each.letter.fingerprint: each for each in batch}
    new = 0
    found: dict[str, Group] = {}
    while len(found) < len(samples):  # twice only when the sweep removes an empty group in between
        known = set(LetterGroup.objects.filter(fingerprint__in=samples).values_list("fingerprint", flat=True))
        missing = sorted(samples.keys() - known)
        LetterGroup.objects.bulk_create((_new(samples[each], now=now) for each in missing), ignore_conflicts=True)
        new, found = len(missing), _locked(samples)
    for each in batch:
        each.group_id = found[each.letter.fingerprint].id
    return found, new


def _locked(fingerprints: Iterable[str]) -> dict[str, Group]:
    rows = LetterGroup.objects.select_for_update().filter(fingerprint__in=fingerprints).order_by("id")
    return {
        row.fingerprint: Group(id=row.id, topics=row.topics, sources=row.sources, topic=row.topic)
        for row in rows.only("id", "fingerprint", "topics", "sources", "topic")
    }


def count(batch: Iterable[Incoming], groups: Mapping[str, Group], *, now: datetime) -> None:
    """Add the letters of a batch to their groups' counters; a group without open letters is open again by it."""
    for letter in batch:
        groups[letter.letter.fingerprint].add(letter)
    minute = now.replace(second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.executemany(
            _COUNT,
            [
                (each.leaders, each.leaders, each.duplicates, each.topic, each.topics, each.sources, now, each.id)
                for each in groups.values()
                if each.leaders or each.duplicates
            ],
        )
        counted = [(each.id, minute, each.leaders) for each in groups.values() if each.leaders]
        if counted:
            cursor.executemany(_MINUTE, counted)


def _new(each: Incoming, *, now: datetime) -> LetterGroup:
    letter = each.letter
    return LetterGroup(
        fingerprint=letter.fingerprint,
        consumer_group=letter.failure.group,
        error_type=letter.failure.error_type,
        title=fingerprint.title(
            error_type=letter.failure.error_type,
            frame=letter.frame,
            message=letter.failure.error_message,
            topic=each.record.topic,
        ),
        frame=letter.frame.text if letter.frame is not None else "",
        sample_message=letter.failure.error_message[:SAMPLE_CHARS_MAX],
        cause=letter.cause,
        first_seen=now,
        last_seen=now,
    )


def _remember(names: list[str], name: str) -> None:
    if name not in names and len(names) < TOPICS_KEPT:
        names.append(name)
