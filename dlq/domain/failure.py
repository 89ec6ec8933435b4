"""What a dead letter's headers say about its failure."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class Failure(NamedTuple):
    """One failure as its dialect tells it. What the headers do not say is "" or ``None``, never guessed silently.

    ``attempt`` counts from 1. ``cause_hint`` is the producer's own word for the cause. ``left_out`` says what of the
    record is not in its dead letter: then it only points to the record at its origin. ``errors`` name each header that
    was there but could not be read, ``notes`` what the operator should know besides; both in words.

    A named tuple, because one is made for every record of a flood: it costs a fifth of a frozen dataclass.
    """

    dialect: str
    origin_topic: str = ""
    origin_partition: int | None = None
    origin_offset: int | None = None
    origin_timestamp_ms: int | None = None
    group: str = ""
    attempt: int | None = None
    error_type: str = ""
    error_message: str = ""
    error_stack: str = ""
    cause_hint: str = ""
    first_failed_at: datetime | None = None
    failed_at: datetime | None = None
    left_out: str = ""
    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def has_origin(self) -> bool:
        """Whether the failed record's first place is known to the offset."""
        return bool(self.origin_topic) and self.origin_partition is not None and self.origin_offset is not None
