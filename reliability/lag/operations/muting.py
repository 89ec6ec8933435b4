"""Mutes a group's alerts for a while, and ends that."""

from __future__ import annotations

from datetime import datetime, timedelta

from reliability import access, audit, live
from reliability.kernel.errors import Refused
from reliability.lag.models import Group, Mute
from reliability.lag.queries import history

LONGEST = timedelta(days=7)
"""Nobody remembers a longer mute."""


class BadMute(Refused):
    """A mute lasts at least a minute and at most seven days."""

    code = "bad-mute"
    status = 422


def mute(*, group: Group, lasts: timedelta, reason: str, actor: access.Actor, now: datetime) -> Mute:
    """Tell nobody of this group for so long; a second mute takes the place of the first. Audited.

    Raises ``BadMute``, ``access.Denied``, ``audit.ReasonRequired``.
    """
    facts = {"group": group.name, "minutes": round(lasts / timedelta(minutes=1))}
    with audit.action(
        "lag.mute", actor=actor, target=history.target(group.pk), reason=reason, topics=group.topics, facts=facts
    ):
        if not timedelta(minutes=1) <= lasts <= LONGEST:
            raise BadMute
        made, _ = Mute.objects.update_or_create(
            group=group, defaults={"until": now + lasts, "by": actor.name, "reason": reason, "at": now}
        )
    live.changed("lag")
    return made


def unmute(*, group: Group, actor: access.Actor) -> None:
    """Tell again; audited. Nothing happens to a group that is not muted. Raises ``access.Denied``."""
    with audit.action(
        "lag.unmute", actor=actor, target=history.target(group.pk), topics=group.topics, facts={"group": group.name}
    ):
        Mute.objects.filter(group=group).delete()
    live.changed("lag")
