"""What goes in and what comes out of storing a batch."""

from __future__ import annotations

from dataclasses import dataclass

from dlq.domain.letter import Letter
from reliability.kernel.record import Record


@dataclass(slots=True)
class Incoming:
    """A record on its way to become a row; the ids are found while the batch is written."""

    record: Record
    letter: Letter
    topic_id: str
    id: int = 0
    group_id: int = 0
    duplicate_of: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What became of a batch: ``again`` were stored before, ``duplicates`` are new letters of a known failure."""

    letters: int = 0
    again: int = 0
    duplicates: int = 0
    new_groups: int = 0
