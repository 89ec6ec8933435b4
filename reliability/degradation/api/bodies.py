"""What is told of flags and policies as JSON; the command line prints the same."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from ninja import Field, Schema

from reliability.degradation.domain import packing, schedule
from reliability.degradation.domain.precedence import Entry
from reliability.degradation.domain.rehearsal import Rehearsal
from reliability.degradation.domain.sentences import sentence
from reliability.degradation.domain.snapshot import Held
from reliability.degradation.models import Change, Policy, Window
from reliability.degradation.operations.levels import LONGEST
from reliability.degradation.queries.readers import Reach

SECONDS_MAX = int(LONGEST.total_seconds())
Name = Annotated[str, Field(max_length=63, pattern=r"^[^\x00]*$")]
Reason = Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")]
Version = Annotated[int, Field(ge=0, le=2**31 - 1, strict=True)]
Seconds = Annotated[int, Field(ge=1, le=SECONDS_MAX, strict=True)]
LevelNumber = Annotated[int, Field(ge=0, le=100, strict=True)]


class FlagLevel(Schema):
    """A level: its number, its name, and what users lose."""

    level: int
    name: str
    loses: str


class FlagEntry(Schema):
    """What one source says of a flag's level. ``owner``: the policy or window; ``until``: null when it has no end."""

    source: str
    level: int
    actor: str
    reason: str
    since: datetime
    until: datetime | None
    owner: str


class DegradationFlag(Schema):
    """A flag as it stands. ``decides`` is in force, ``shadows`` hold too and are weaker. Acts name ``version``."""

    name: str
    title: str
    level: int
    level_name: str
    loses: str
    why: str
    decides: FlagEntry
    shadows: list[FlagEntry]
    changes_at: datetime | None
    levels: list[FlagLevel]
    default: int
    version: int


class DegradationFlags(Schema):
    """Every flag that code has declared."""

    items: list[DegradationFlag]
    next: None = None


class FlagReach(Schema):
    """Who reads a flag now; ``known`` is false while Redis does not answer."""

    known: bool
    sentence: str
    per_s: float
    processes: int
    services: dict[str, float]
    functions: list[str]
    behind: list[str]


class FlagChange(Schema):
    """One thing that happened to a flag; ``signals`` are the values of that moment."""

    id: int
    flag: str
    at: datetime
    kind: str
    before: int
    after: int
    decides: str
    owner: str
    actor: str
    why: str
    until: datetime | None
    signals: dict[str, Any]


class FlagChanges(Schema):
    """What happened, the newest first; ``next`` is null at the end."""

    items: list[FlagChange]
    next: int | None


class DegradationPolicy(Schema):
    """A policy as it was saved, and how it stands. ``waits``: why it does not move although it might."""

    name: str
    flag: str
    on: bool
    version: int
    sentence: str
    policy: dict[str, Any]
    entered: bool
    since: datetime | None
    held_since: datetime | None
    held_why: str
    waits: str
    unknown: list[str]
    looked_at: datetime | None
    saved_by: str
    reason: str


class DegradationPolicies(Schema):
    """Every policy."""

    items: list[DegradationPolicy]
    next: None = None


class DegradationSpell(Schema):
    """A time at the policy's level."""

    since: datetime
    until: datetime | None
    why: str
    why_left: str


class DegradationRehearsal(Schema):
    """What a policy would have done with what is recorded."""

    sentence: str
    begins: datetime
    ends: datetime
    spells: list[DegradationSpell]
    degraded_s: float
    held_at: datetime | None
    samples: int
    unheard: list[str]


class DegradationWindow(Schema):
    """A time at which a flag has another level."""

    flag: str
    name: str
    level: int
    window: dict[str, Any]
    in_words: str
    version: int
    saved_by: str
    reason: str


def flag(held: Held, *, now: datetime) -> DegradationFlag:
    """Return a flag as it stands."""
    found, code = held.standing(now), held.declaration
    level = code.known(found.level)
    return DegradationFlag(
        name=code.name,
        title=code.title,
        level=level,
        level_name=code.levels[level].name,
        loses=code.levels[level].loses,
        why=found.why,
        decides=_entry(found.decides),
        shadows=[_entry(each) for each in found.shadows],
        changes_at=found.changes_at,
        levels=[FlagLevel(level=at, name=each.name, loses=each.loses) for at, each in enumerate(code.levels)],
        default=code.default,
        version=held.version,
    )


def reach(found: Reach) -> FlagReach:
    """Return who reads a flag."""
    return FlagReach(
        known=found.is_known,
        sentence=found.sentence,
        per_s=round(found.per_s, 3),
        processes=found.processes,
        services=dict(found.services),
        functions=list(found.where),
        behind=list(found.behind),
    )


def change(row: Change) -> FlagChange:
    """Return one thing that happened."""
    return FlagChange(
        id=row.pk,
        flag=row.flag,
        at=row.at,
        kind=row.kind,
        before=row.before,
        after=row.after,
        decides=row.source,
        owner=row.owner,
        actor=row.actor,
        why=row.why,
        until=row.until,
        signals=row.facts,
    )


def policy(row: Policy) -> DegradationPolicy:
    """Return a policy and how it stands; raises ``WrongPolicy`` for one that another version saved."""
    wanted, state = packing.policy_read(row.body), packing.state_read(row.state)
    return DegradationPolicy(
        name=row.name,
        flag=row.flag_id,
        on=row.is_on,
        version=row.version,
        sentence=sentence(wanted),
        policy=row.body,
        entered=state.entered,
        since=state.since,
        held_since=row.held_since,
        held_why=row.held_why,
        waits=row.waits,
        unknown=row.unknown,
        looked_at=row.looked_at,
        saved_by=row.actor,
        reason=row.reason,
    )


def rehearsal(done: Rehearsal) -> DegradationRehearsal:
    """Return a dry run."""
    spells = [
        DegradationSpell(since=each.since, until=each.until, why=each.why, why_left=each.why_left)
        for each in done.spells
    ]
    return DegradationRehearsal(
        sentence=done.sentence,
        begins=done.begins,
        ends=done.ends,
        spells=spells,
        degraded_s=round(done.degraded_s, 3),
        held_at=done.held,
        samples=done.samples,
        unheard=list(done.unheard),
    )


def window(row: Window) -> DegradationWindow:
    """Return a window."""
    return DegradationWindow(
        flag=row.flag_id,
        name=row.name,
        level=row.level,
        window=row.body,
        in_words=schedule.read(row.body).in_words,
        version=row.version,
        saved_by=row.actor,
        reason=row.reason,
    )


def _entry(entry: Entry) -> FlagEntry:
    return FlagEntry(
        source=entry.source.value,
        level=entry.level,
        actor=entry.actor,
        reason=entry.reason,
        since=entry.since,
        until=entry.until,
        owner=entry.owner,
    )
