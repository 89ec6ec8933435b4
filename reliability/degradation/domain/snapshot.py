"""All flags at one revision, as a process holds them; and as text, as they travel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from reliability.degradation.domain.flags import Declaration, Level
from reliability.degradation.domain.precedence import Entry, Source, Standing, default_entry, resolve

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Unreadable(ValueError):
    """This text is no snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A flag with all that was said of its level. ``version`` grows with each word of a person."""

    declaration: Declaration
    entries: tuple[Entry, ...] = ()
    version: int = 0

    def standing(self, now: datetime) -> Standing:
        """Return what is in force now; the default of the code is behind everything."""
        return resolve((*self.entries, default_entry(self.declaration.default, since=_LONG_AGO)), now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All flags at one revision; never changed. ``at``: when it was read from the database."""

    revision: int
    at: datetime
    flags: Mapping[str, Held] = field(default_factory=lambda: MappingProxyType({}))


def packed(snapshot: Snapshot) -> str:
    """Return the snapshot as text; ``unpacked`` makes it again."""
    flags = {
        name: {
            "title": held.declaration.title,
            "levels": [[level.name, level.loses] for level in held.declaration.levels],
            "default": held.declaration.default,
            "version": held.version,
            "entries": [_entry(entry) for entry in held.entries],
        }
        for name, held in snapshot.flags.items()
    }
    document = {"revision": snapshot.revision, "at": snapshot.at.timestamp(), "flags": flags}
    return json.dumps(document, separators=(",", ":"))


def unpacked(text: str) -> Snapshot:
    """Return the snapshot of a text; raises ``Unreadable`` for one of another version, or none."""
    try:
        given = json.loads(text)
        flags = {str(name): _held(str(name), held) for name, held in given["flags"].items()}
        at = datetime.fromtimestamp(given["at"], UTC)
        return Snapshot(revision=int(given["revision"]), at=at, flags=MappingProxyType(flags))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, OSError) as error:
        raise Unreadable(f"{error!r:.200}") from error


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "source": entry.source.value,
        "level": entry.level,
        "actor": entry.actor,
        "reason": entry.reason,
        "since": entry.since.timestamp(),
        "until": entry.until.timestamp() if entry.until is not None else None,
        "owner": entry.owner,
    }


def _held(name: str, given: Mapping[str, Any]) -> Held:
    levels = tuple(Level(str(level), str(loses)) for level, loses in given["levels"])
    declaration = Declaration(name=name, title=str(given["title"]), levels=levels, default=int(given["default"]))
    return Held(declaration=declaration, entries=tuple(map(_read, given["entries"])), version=int(given["version"]))


def _read(given: Mapping[str, Any]) -> Entry:
    until = given["until"]
    return Entry(
        source=Source(given["source"]),
        level=int(given["level"]),
        actor=str(given["actor"]),
        reason=str(given["reason"]),
        since=datetime.fromtimestamp(given["since"], UTC),
        until=None if until is None else datetime.fromtimestamp(until, UTC),
        owner=str(given["owner"]),
    )
