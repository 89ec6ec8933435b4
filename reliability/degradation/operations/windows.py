"""Windows of the schedule: saved and deleted, each with a reason."""

from __future__ import annotations

from datetime import datetime

from reliability import access, audit
from reliability.degradation.domain import schedule
from reliability.degradation.domain.flags import NAME
from reliability.degradation.models import Flag, Window
from reliability.degradation.models.history import Kind
from reliability.degradation.operations.levels import BadLevel, target
from reliability.degradation.operations.standing import Superseded, locked, settled
from reliability.degradation.queries.standing import declaration
from reliability.kernel.errors import Refused


class NoSuchWindow(Refused):
    """The flag has no window of this name."""

    code = "no-such-window"
    status = 404


def save(
    *,
    flag: str,
    name: str,
    level: int,
    window: schedule.Window,
    reason: str,
    actor: access.Actor,
    version: int,
    now: datetime,
) -> Window:
    """Save a window in which the flag has this level; ``version`` is that of the window, 0 for a new one. Audited.

    Raises ``BadLevel``, ``schedule.WrongWindow`` for a name that is none, ``Superseded``, ``NoSuchFlag``,
    ``access.Denied``, ``audit.ReasonRequired``.
    """
    facts = {"window": name, "level": level, "when": window.in_words}
    with audit.action("degradation.schedule", actor=actor, target=target(flag), reason=reason, facts=facts):
        row = locked(flag)
        known = declaration(row)
        if not 0 <= level <= known.worst:
            raise BadLevel(f"{flag} has no level {level}. It has {known.in_words}.")
        if not NAME.fullmatch(name):
            raise schedule.WrongWindow(f"{name[:80]!r} is no name: small letters, digits, ., - and _, such as nights")
        found = row.windows.filter(name=name).first()
        if (found.version if found is not None else 0) != version:
            raise Superseded
        made = found or Window(flag=row, name=name, version=0)
        made.level, made.body, made.version = level, schedule.as_json(window), made.version + 1
        made.actor, made.reason, made.saved_at = actor.name, reason, now
        made.save()
        _changed(row, made, reason=reason, actor=actor, now=now)
    return made


def delete(*, flag: str, name: str, reason: str, actor: access.Actor, version: int, now: datetime) -> None:
    """Delete a window. Audited. Raises ``NoSuchWindow``, and as ``save``."""
    facts = {"window": name, "deleted": True}
    with audit.action("degradation.schedule", actor=actor, target=target(flag), reason=reason, facts=facts):
        row = locked(flag)
        found = row.windows.filter(name=name).first() if "\x00" not in name else None
        if found is None:
            raise NoSuchWindow
        if found.version != version:
            raise Superseded
        found.delete()
        _changed(row, found, reason=reason, actor=actor, now=now)


def _changed(row: Flag, window: Window, *, reason: str, actor: access.Actor, now: datetime) -> None:
    settled(row, Kind.SCHEDULED, now=now, actor=actor.name, why=reason, owner=window.name)
