"""Levels set by hand: each with a reason and an end, after which the flag returns by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from reliability import access, audit
from reliability.degradation.domain.precedence import Source
from reliability.degradation.models import Change, Flag, Word
from reliability.degradation.models.history import Kind
from reliability.degradation.operations.standing import locked, settled
from reliability.degradation.queries.standing import declaration
from reliability.kernel.errors import Refused

SHORTEST: Final = timedelta(seconds=10)
LONGEST: Final = timedelta(days=7)
"""Nobody remembers what was set for longer; what shall last is a schedule, or code."""


class BadLevel(Refused):
    """The flag has no such level."""

    code = "bad-level"
    status = 422


class BadTime(Refused):
    """A level that is set by hand lasts between ten seconds and seven days; extend it when it has to last longer."""

    code = "bad-time"
    status = 422


class NothingSet(Refused):
    """No level is set here by hand: there is nothing to extend or to take back."""

    code = "nothing-set"
    status = 409


def set_level(
    *,
    flag: str,
    level: int,
    lasts: timedelta,
    reason: str,
    actor: access.Actor,
    version: int,
    now: datetime,
    source: Source = Source.OPERATOR,
) -> Flag:
    """Set a flag's level for a time; it takes the place of what was set before. Audited. Return the flag's row.

    ``version`` is the flag's that was looked at; ``source`` is a person or a drill. Raises ``BadLevel``, ``BadTime``,
    ``Superseded``, ``NoSuchFlag``, ``access.Denied``, ``audit.ReasonRequired``.
    """
    facts = {"level": level, "seconds": round(lasts.total_seconds()), "source": source.value}
    with audit.action("degradation.set", actor=actor, target=target(flag), reason=reason, facts=facts) as entry:
        if source not in (Source.OPERATOR, Source.DRILL):
            raise ValueError("only people and drills set levels: policies and schedules are saved")
        row = locked(flag, version=version)
        known = declaration(row)
        if not 0 <= level <= known.worst:
            raise BadLevel(f"{flag} has no level {level}. It has {known.in_words}.")
        _check(lasts)
        until = now + lasts
        said = {"level": level, "actor": actor.name, "reason": reason, "since": now, "until": until}
        Word.objects.update_or_create(flag=row, source=source, owner="", defaults=said)
        entry.facts["title"] = f"{flag} to level {level} ({known.levels[level].name})"
        made = settled(row, Kind.SET, now=now, actor=actor.name, why=reason, until=until, by_person=True)
        entry.facts |= _told(made)
    return row


def extend(
    *,
    flag: str,
    lasts: timedelta,
    reason: str,
    actor: access.Actor,
    version: int,
    now: datetime,
    source: Source = Source.OPERATOR,
) -> Flag:
    """Let what was set last for so long from now on. Audited. Return the flag's row.

    Raises ``NothingSet`` when nothing is set any more, ``BadTime``, and as ``set_level``.
    """
    facts = {"seconds": round(lasts.total_seconds()), "source": source.value}
    with audit.action("degradation.extend", actor=actor, target=target(flag), reason=reason, facts=facts) as entry:
        row = locked(flag, version=version)
        word = _word(row, source, now=now)
        _check(lasts)
        word.until = now + lasts
        entry.facts["title"] = f"the level of {flag} to {word.until:%H:%M:%S} UTC"
        word.save(update_fields=["until"])
        made = settled(row, Kind.EXTENDED, now=now, actor=actor.name, why=reason, until=word.until, by_person=True)
        entry.facts |= _told(made)
    return row


def take_back(
    *,
    flag: str,
    actor: access.Actor,
    version: int,
    now: datetime,
    reason: str = "",
    source: Source = Source.OPERATOR,
) -> Flag:
    """Take back what was set: drill, policy, schedule or code decide again. Audited. Return the flag's row.

    Raises ``NothingSet``, ``Superseded``, ``NoSuchFlag``, ``access.Denied``.
    """
    facts = {"source": source.value, "title": f"the level of {flag}"}
    with audit.action("degradation.clear", actor=actor, target=target(flag), reason=reason, facts=facts) as entry:
        row = locked(flag, version=version)
        _word(row, source, now=now).delete()
        made = settled(row, Kind.TAKEN_BACK, now=now, actor=actor.name, why=reason, by_person=True)
        entry.facts |= _told(made)
    return row


def target(flag: str) -> str:
    """Return how the audit names a flag."""
    return f"flag:{flag}"


def _word(row: Flag, source: Source, *, now: datetime) -> Word:
    word = row.words.filter(source=source, owner="", until__gt=now).first()
    if word is None:
        raise NothingSet
    return word


def _check(lasts: timedelta) -> None:
    if not SHORTEST <= lasts <= LONGEST:
        raise BadTime


def _told(made: Change) -> dict[str, object]:
    return {"before": made.before, "after": made.after, "decides": str(made.source)}
