"""What is in force, read from the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from reliability.degradation.domain import schedule
from reliability.degradation.domain.flags import Declaration, Level
from reliability.degradation.domain.precedence import Entry, Source
from reliability.degradation.domain.snapshot import Held, Snapshot
from reliability.degradation.models import Flag, Revision, Window, Word
from reliability.kernel.errors import Refused

AHEAD: Final = timedelta(days=2)
"""So far windows are told to processes in advance; a snapshot is renewed far more often."""


class NoSuchFlag(Refused):
    """There is no such flag."""

    code = "no-such-flag"
    status = 404


def one(name: str) -> Flag:
    """Return a flag's row; raises ``NoSuchFlag``, which says how flags come to be."""
    found = Flag.objects.filter(name=name).first() if "\x00" not in name else None
    if found is None:
        raise NoSuchFlag(
            f"No flag is called {name[:80]!r}: flags are declared in code, and known here once a process with that "
            "code runs."
        )
    return found


def declaration(row: Flag) -> Declaration:
    """Return what code declared last."""
    levels = tuple(Level(name, loses) for name, loses in row.levels)
    return Declaration(name=row.name, title=row.title, levels=levels, default=row.default)


def held(row: Flag, *, now: datetime) -> Held:
    """Return a flag with all that is said of it now and within the next two days."""
    entries = _entries(row.words.all(), row.windows.all(), now=now)
    return Held(declaration=declaration(row), entries=entries, version=row.version)


def every(*, now: datetime) -> list[Held]:
    """Return all flags with what is said of them, by name."""
    words, windows = defaultdict[str, list[Word]](list), defaultdict[str, list[Window]](list)
    for word in Word.objects.all():
        words[word.flag_id].append(word)
    for window in Window.objects.all():
        windows[window.flag_id].append(window)
    return [
        Held(
            declaration=declaration(row),
            entries=_entries(words[row.name], windows[row.name], now=now),
            version=row.version,
        )
        for row in Flag.objects.order_by("name")
    ]


def revision() -> int:
    """Return the number of the newest change."""
    return Revision.objects.filter(id=1).values_list("number", flat=True).first() or 0


def snapshot(*, now: datetime) -> Snapshot:
    """Return all flags. What changes while they are read has a higher revision, and is read by the next look."""
    number = revision()
    flags = {each.declaration.name: each for each in every(now=now)}
    return Snapshot(revision=number, at=now, flags=MappingProxyType(flags))


def _entries(words: Iterable[Word], windows: Iterable[Window], *, now: datetime) -> tuple[Entry, ...]:
    said = [
        Entry(
            source=Source(word.source),
            level=word.level,
            actor=word.actor,
            reason=word.reason,
            since=word.since,
            until=word.until,
            owner=word.owner,
        )
        for word in words
    ]
    return (*said, *(entry for window in windows for entry in _of(window, now=now)))


def _of(window: Window, *, now: datetime) -> Sequence[Entry]:
    spans = schedule.read(window.body).spans(now, ahead=AHEAD)
    return [
        Entry(
            source=Source.SCHEDULE,
            level=window.level,
            actor=window.actor,
            reason=window.reason,
            since=since,
            until=until,
            owner=window.name,
        )
        for since, until in spans
    ]
