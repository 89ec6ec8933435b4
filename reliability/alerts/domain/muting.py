"""What a mute covers: everything, a rule, a room, one incident, or things by their ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

LONGEST: Final = timedelta(days=7)
"""Nobody remembers a longer mute."""
SHORTEST: Final = timedelta(minutes=1)


class Covers(StrEnum):
    """What a mute is of."""

    EVERYTHING = "everything"
    RULE = "rule"
    ROOM = "room"
    INCIDENT = "incident"
    THINGS = "things"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """Nobody is told of what it covers. ``of``: the rule's name, the room's slug, the incident's number, a glob."""

    covers: Covers
    of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """What a mute is held against."""

    id: str
    room: str


def is_muted(mutes: Sequence[Mute], *, rule: str, incident: str, things: Iterable[Thing]) -> bool:
    """Whether nobody is told of an incident: it is covered as a whole, or each thing in it is."""
    if any(touches(mute, rule=rule, incident=incident, things=()) for mute in mutes):
        return True
    finer = [mute for mute in mutes if mute.covers in (Covers.ROOM, Covers.THINGS)]
    if not finer:
        return False
    known = list(things)
    return bool(known) and all(any(_covers(mute, thing) for mute in finer) for thing in known)


def touches(mute: Mute, *, rule: str, incident: str, things: Iterable[Thing]) -> bool:
    """Whether a mute covers an incident as a whole, or anything in it."""
    match mute.covers:
        case Covers.EVERYTHING:
            return True
        case Covers.RULE:
            return mute.of == rule
        case Covers.INCIDENT:
            return mute.of == incident
        case _:
            return any(_covers(mute, thing) for thing in things)


def _covers(mute: Mute, thing: Thing) -> bool:
    return mute.of == thing.room if mute.covers is Covers.ROOM else fnmatchcase(thing.id, mute.of)
