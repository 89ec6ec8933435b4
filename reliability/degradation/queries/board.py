"""All flags as a person looks at them: level, who decides, who reads, which policies there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reliability.console.domain.conditions import WrongRule
from reliability.degradation.domain import packing
from reliability.degradation.domain.flags import Level
from reliability.degradation.domain.policy import Policy as Wanted
from reliability.degradation.domain.policy import State
from reliability.degradation.domain.precedence import Standing
from reliability.degradation.domain.sentences import sentence
from reliability.degradation.domain.snapshot import Held
from reliability.degradation.models import Flag, Policy
from reliability.degradation.queries import readers, standing
from reliability.degradation.queries.readers import Reach
from reliability.degradation.queries.standing import NoSuchFlag
from reliability.degradation.stores.shared import Process, RedisStore, Unreachable


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyLook:
    """A policy with its sentence; ``wanted`` None: its row is of another version and cannot be read."""

    row: Policy
    wanted: Wanted | None
    state: State
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagLook:
    """A flag with what holds, and who reads it."""

    row: Flag
    held: Held
    standing: Standing
    reach: Reach
    policies: Sequence[PolicyLook]

    @property
    def level(self) -> Level:
        """The level in force."""
        declared = self.held.declaration
        return declared.levels[declared.known(self.standing.level)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """All flags at ``at``; ``processes``: how many read any, None when Redis did not say."""

    at: datetime
    flags: Sequence[FlagLook]
    processes: int | None


def board(*, now: datetime) -> Board:
    """Return every flag that some process has declared, by name."""
    number, processes = standing.revision(), _processes()
    policies: dict[str, list[PolicyLook]] = defaultdict(list)
    for row in Policy.objects.order_by("name"):
        policies[row.flag_id].append(policy_look(row))
    rows = {row.name: row for row in Flag.objects.all()}
    flags = [
        _look(rows[held.declaration.name], held, policies, processes, number, now=now)
        for held in standing.every(now=now)
        if held.declaration.name in rows
    ]
    return Board(at=now, flags=flags, processes=None if processes is None else len(processes))


def one(name: str, *, now: datetime) -> FlagLook:
    """Return a flag; raises ``NoSuchFlag``."""
    row = standing.one(name)
    policies = {name: [policy_look(each) for each in row.policies.order_by("name")]}
    held = standing.held(row, now=now)
    return _look(row, held, policies, _processes(), standing.revision(), now=now)


def policy_look(row: Policy) -> PolicyLook:
    """Return a policy with its sentence."""
    try:
        wanted = packing.policy_read(row.body)
        names = {str(at): level[0] for at, level in enumerate(row.flag.levels)}
        told = sentence(wanted, level_name=names.get(str(wanted.level), ""))
        return PolicyLook(row=row, wanted=wanted, state=packing.state_read(row.state), told=told)
    except (WrongRule, ValueError, KeyError, TypeError) as error:
        return PolicyLook(row=row, wanted=None, state=State(), told=f"It cannot be read: {error}")


def _look(
    row: Flag,
    held: Held,
    policies: dict[str, list[PolicyLook]],
    processes: list[Process] | None,
    number: int,
    *,
    now: datetime,
) -> FlagLook:
    reach = Reach(is_known=False) if processes is None else readers.reach_of(row.name, processes, revision=number)
    return FlagLook(row=row, held=held, standing=held.standing(now), reach=reach, policies=policies.get(row.name, []))


def _processes() -> list[Process] | None:
    try:
        return RedisStore().processes()
    except Unreachable:
        return None


__all__ = ["Board", "FlagLook", "NoSuchFlag", "PolicyLook", "board", "one", "policy_look"]
