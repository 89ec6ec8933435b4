"""All breakers as they stand: from the store that the fleet shares; while it is away, from what is written down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db.models import Q

from reliability.breakers.domain import packing
from reliability.breakers.domain.looks import PART_S, Part
from reliability.breakers.domain.machine import Breaker as Machine
from reliability.breakers.domain.machine import Override
from reliability.breakers.domain.rules import Rules, WrongRules
from reliability.breakers.models import Breaker, Traffic, Transition
from reliability.breakers.queries.history import NoSuchBreaker
from reliability.breakers.stores import reading
from reliability.breakers.stores.port import Unreachable
from reliability.breakers.stores.reading import Process
from reliability.breakers.stores.shared import RedisStore

PARTS: Final = 30
NOTCHES_MAX: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One breaker. ``now``: the fleet's clock; ``parts``: five minutes of traffic, oldest first, None without calls.

    ``last_call_at``: when calls were last written down; ``moves``: its transitions within these minutes. ``is_named``:
    some process that is alive names it, or nobody can say.
    """

    row: Breaker
    machine: Machine
    now: float
    rules: Rules
    declared: Rules
    parts: tuple[Part | None, ...]
    moves: tuple[Transition, ...] = ()
    last_call_at: datetime | None = None
    is_named: bool = True

    @property
    def name(self) -> str:
        """Its name."""
        return self.row.name

    @property
    def override(self) -> Override:
        """What a person has laid over it and holds now, whether the fleet has heard of it or not."""
        told = self.machine.overridden(self.now)
        return told if told is not Override.NONE else self.said

    @property
    def said(self) -> Override:
        """What is written down that a person decided, and holds now."""
        return in_force(self.row, now=datetime.fromtimestamp(self.now, UTC))[0]

    @property
    def is_told(self) -> bool:
        """Whether the fleet goes by what is written down."""
        return self.machine.overridden(self.now) is self.said

    @property
    def override_until(self) -> datetime:
        """When the override that holds is over."""
        if self.machine.overridden(self.now) is Override.NONE and self.row.override_until is not None:
            return self.row.override_until
        return datetime.fromtimestamp(round(self.machine.override_until), UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """All of them at ``at``. ``away``: why the store could not be asked; then processes decide by themselves."""

    at: datetime
    looks: Sequence[Look]
    processes: Sequence[Process]
    away: str = ""


def wall(*, now: datetime, name: str = "", traffic: bool = True) -> Wall:
    """Return every breaker that a process has named, or one; raises ``NoSuchBreaker`` for one that there is not.

    ``traffic`` False leaves out what was called and when they moved: that is most of the reading.
    """
    if "\x00" in name:
        raise NoSuchBreaker(name)
    rows = list(Breaker.objects.filter(name=name) if name else Breaker.objects.order_by("name"))
    if name and not rows:
        raise NoSuchBreaker(name)
    names = [row.name for row in rows]
    told = names if traffic else []
    moves, called = _moves(told, now=now), _last_calls(told)
    try:
        kept, processes = RedisStore().read(names) if names else {}, reading.processes()
        clock = max((each.now for each in kept.values()), default=now.timestamp())
        parts, away = reading.traffic(told, _starts(clock)) if told else {}, ""
    except Unreachable as error:
        kept, processes, clock, away = {}, [], now.timestamp(), str(error)
        parts = _written(told, _starts(clock)) if told else {}
    named = {each for process in processes for each in process.generations}
    machines = {each: found.breaker for each, found in kept.items() if found.breaker is not None}
    looks = [
        _look(
            row,
            machines.get(row.name) or written(row),
            clock,
            parts.get(row.name, []),
            moves.get(row.name, ()),
            called.get(row.name),
            is_named=bool(away) or row.name in named,
        )
        for row in rows
    ]
    return Wall(at=now, looks=looks, processes=processes, away=away)


def rules_of(row: Breaker) -> tuple[Rules, Rules]:
    """Return the rules that a breaker goes by, and those in its code; the usual ones where these cannot be read."""
    try:
        declared = Rules().with_changes(row.declared)
    except (WrongRules, AttributeError):
        declared = Rules()
    try:
        return declared.with_changes(row.rules), declared
    except (WrongRules, AttributeError):  # the code has changed under them: every process goes by the code
        return declared, declared


def in_force(row: Breaker, *, now: datetime) -> tuple[Override, float]:
    """Return the override that is written down and holds now, and for how many seconds it still does."""
    if not row.override or row.override_until is None or row.override_until <= now:
        return Override.NONE, 0.0
    return Override(row.override), (row.override_until - now).total_seconds()


def written(row: Breaker) -> Machine:
    """Return a breaker as it was when it moved last."""
    try:
        return packing.unpacked(row.kept) if row.kept else Machine()
    except packing.Unreadable:
        return Machine()


def _look(
    row: Breaker,
    machine: Machine,
    clock: float,
    parts: Sequence[Part],
    moves: Sequence[Transition],
    called: datetime | None,
    *,
    is_named: bool,
) -> Look:
    rules, declared = rules_of(row)
    by_start = {part.at: part for part in parts}
    shown = tuple(by_start.get(start) for start in _starts(clock))
    newest = max((part.at for part in parts if part.calls or part.rejected), default=None)
    last = datetime.fromtimestamp(newest, UTC) if newest is not None else called
    return Look(
        row=row,
        machine=machine,
        now=clock,
        rules=rules,
        declared=declared,
        parts=shown,
        moves=tuple(moves),
        last_call_at=last,
        is_named=is_named,
    )


def _starts(clock: float) -> list[int]:
    newest = int(clock) // PART_S * PART_S
    return [newest - back * PART_S for back in range(PARTS - 1, -1, -1)]


def _written(names: Sequence[str], starts: Sequence[int]) -> Mapping[str, list[Part]]:
    rows = Traffic.objects.filter(breaker__in=names, at__gte=datetime.fromtimestamp(starts[0], UTC))
    found: dict[str, list[Part]] = {name: [] for name in names}
    for row in rows:
        found[row.breaker].append(part_of(row))
    return found


def part_of(row: Traffic) -> Part:
    """Return a part of the traffic that is written down."""
    return Part(
        at=int(row.at.timestamp()),
        calls=row.calls,
        failed=row.failed,
        slow=row.slow,
        rejected=row.rejected,
        took={int(at): number for at, number in row.took.items()},
    )


def _moves(names: Sequence[str], *, now: datetime) -> Mapping[str, list[Transition]]:
    since = now - timedelta(seconds=PARTS * PART_S)
    found: dict[str, list[Transition]] = {}
    for row in Transition.objects.filter(breaker__in=names, at__gte=since).order_by("-at")[: NOTCHES_MAX * len(names)]:
        found.setdefault(row.breaker, []).append(row)
    return found


def _last_calls(names: Sequence[str]) -> Mapping[str, datetime]:
    """When calls were written down last, for each: one short look in the index each."""
    found = {}
    for name in names:
        busy = Traffic.objects.filter(breaker=name).filter(Q(calls__gt=0) | Q(rejected__gt=0))
        at = busy.order_by("-at").values_list("at", flat=True).first()
        if at is not None:
            found[name] = at
    return found
