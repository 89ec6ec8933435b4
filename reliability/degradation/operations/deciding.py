"""What policies, time and code change by themselves; called by the evaluator, in the words of the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from reliability import access, audit
from reliability.degradation.domain import packing
from reliability.degradation.domain.flags import Declaration
from reliability.degradation.domain.policy import Moved, Step
from reliability.degradation.domain.policy import Policy as Wanted
from reliability.degradation.domain.precedence import Source
from reliability.degradation.models import Flag, Policy, Revision, Word
from reliability.degradation.models.history import Kind
from reliability.degradation.operations.levels import target
from reliability.degradation.operations.standing import locked, settled, tell

RENEWED_EVERY: Final = timedelta(hours=1)
"""Windows are told two days ahead: so often they are told anew."""
_KIND: Final = {Moved.ENTERED: Kind.ENTERED, Moved.LEFT: Kind.LEFT, Moved.HELD: Kind.HELD}
_ACT: Final = {
    Moved.ENTERED: "degradation.set",
    Moved.LEFT: "degradation.clear",
    Moved.HELD: "degradation.hold",
}


def looked(row: Policy, done: Step, *, now: datetime) -> bool:
    """Keep what a look at signals came to when nothing moved; False when somebody else was faster.

    A crash of the database may take it back: then it is looked at again, so nothing waits for the disk.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("set local synchronous_commit = off")
        return _kept(row, done, now=now)


def moved(row: Policy, wanted: Wanted, done: Step, facts: Mapping[str, Any], *, now: datetime) -> bool:
    """Have a policy degrade its flag, bring it back, or ask for a person; False when somebody else was faster.

    An act of the policy in the audit, with the values of that moment. Raises ``NoSuchFlag``.
    """
    actor = access.policy_actor(row.name)
    said = {"policy": row.name, "level": wanted.level, "signals": dict(facts), "title": _title(wanted, done)}
    act = _ACT[done.moved]
    try:
        with audit.action(act, actor=actor, target=target(wanted.flag), reason=done.why, facts=said) as entry:
            flag = locked(wanted.flag)
            if not _kept(row, done, now=now):
                raise audit.LeftAlone
            _say(flag, wanted, done, now=now)
            kind = _KIND[done.moved]
            made = settled(flag, kind, now=now, actor=actor.name, why=done.why, owner=row.name, facts=facts)
            entry.facts |= {"before": made.before, "after": made.after}
    except audit.LeftAlone:
        return False
    return True


def time_passed(*, now: datetime) -> int:
    """Write down what time has changed: levels that were set are over, windows begin and end. Return how many flags.

    Processes find that out by themselves; here it becomes history, and rows that are over go.
    """
    names = list(Flag.objects.filter(changes_at__lte=now).values_list("name", flat=True))
    return sum(_passed(name, now=now) for name in names)


def known(declared: Sequence[Declaration], *, now: datetime) -> int:
    """Know these flags as code declares them; return how many are new or declared otherwise than before."""
    rows = {row.name: row for row in Flag.objects.filter(name__in=[each.name for each in declared])}
    return sum(_known(rows.get(each.name), each, now=now) for each in declared)


def renewed(*, now: datetime) -> bool:
    """Tell all flags anew when they were not told for an hour; return whether that was so."""
    with transaction.atomic():
        row = Revision.objects.select_for_update().filter(id=1).first()
        if row is None or (row.at is not None and now - row.at < RENEWED_EVERY):
            return False
        tell(now=now)
        return True


def _kept(row: Policy, done: Step, *, now: datetime) -> bool:
    held = {"held_since": now, "held_why": done.why} if done.moved is Moved.HELD else {}
    changed = Policy.objects.filter(name=row.name, steps=row.steps, is_on=True).update(
        state=packing.state_as_json(done.state),
        steps=row.steps + 1,
        looked_at=now,
        waits=done.waits,
        unknown=list(done.unknown),
        **held,
    )
    return bool(changed)


def _title(wanted: Wanted, done: Step) -> str:
    match done.moved:
        case Moved.ENTERED:
            return f"{wanted.flag} to level {wanted.level}"
        case Moved.LEFT:
            return f"level {wanted.level} of {wanted.flag}"
    return f"policy {wanted.name} of {wanted.flag}"


def _say(flag: Flag, wanted: Wanted, done: Step, *, now: datetime) -> None:
    if done.moved is Moved.ENTERED:
        said = {"level": wanted.level, "actor": f"policy:{wanted.name}", "reason": done.why, "since": now}
        Word.objects.update_or_create(flag=flag, source=Source.POLICY, owner=wanted.name, defaults=said)
    elif done.moved is Moved.LEFT:
        Word.objects.filter(flag=flag, source=Source.POLICY, owner=wanted.name).delete()


@transaction.atomic
def _passed(name: str, *, now: datetime) -> bool:
    flag = locked(name)
    if flag.changes_at is None or flag.changes_at > now:
        return False
    over = list(flag.words.filter(until__lte=now))
    flag.words.filter(until__lte=now).delete()
    for word in over:
        why = f"what {word.actor} set for a time is over: {word.reason}"
        settled(flag, Kind.EXPIRED, now=now, actor=word.actor, why=why)
    if not over:
        settled(flag, Kind.TIME, now=now, why="a window of its schedule began or ended")
    if over:
        Flag.objects.filter(name=name).update(version=flag.version + 1)
    return True


@transaction.atomic
def _known(row: Flag | None, wanted: Declaration, *, now: datetime) -> bool:
    said = {
        "title": wanted.title,
        "levels": [[level.name, level.loses] for level in wanted.levels],
        "default": wanted.default,
    }
    if row is None:
        _, is_new = Flag.objects.get_or_create(
            name=wanted.name, defaults={**said, "level": wanted.default, "changed_at": now, "first_seen_at": now}
        )
        if is_new:
            tell(now=now)
        return is_new
    if all(getattr(row, name) == value for name, value in said.items()):
        return False
    held = locked(wanted.name)
    for name, value in said.items():
        setattr(held, name, value)
    held.save()
    settled(held, Kind.DECLARED, now=now, why=f"its code now has {wanted.in_words}, default {wanted.default}")
    return True
