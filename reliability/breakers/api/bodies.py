"""What is told of breakers as JSON."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ninja import Schema

from reliability.breakers.domain import looks
from reliability.breakers.domain.machine import Override
from reliability.breakers.models import Transition
from reliability.breakers.queries.wall import Look, Wall


class BreakerOverride(Schema):
    """What a person decided for a while; ``told``: the fleet has heard of it."""

    kind: str
    until: datetime | None
    by: str
    reason: str
    told: bool


class Breaker(Schema):
    """A breaker as it stands. Rates are per second, shares of one; ``number`` and ``rules_version`` are what acts name.

    ``override`` is null when it decides by itself; ``failing`` is null without calls within half a minute.
    """

    name: str
    state: str
    share_percent: int
    generation: int
    since: datetime | None
    reason: str
    retry_after_s: float
    override: BreakerOverride | None
    number: int
    rules: dict[str, Any]
    rules_changed: dict[str, Any]
    rules_version: int
    calls_per_s: float
    rejected_per_s: float
    failing: float | None
    slow: float | None
    p99_s: float | None


class Breakers(Schema):
    """Every breaker that a process has named. ``store_away``: why the fleet's store could not be asked; what is told
    then is what was written down."""

    items: list[Breaker]
    next: None = None
    store_away: str
    processes: int


class BreakerMove(Schema):
    """One new generation of a breaker."""

    at: datetime
    generation: int
    before: str
    after: str
    override: str
    reason: str


class BreakerMoves(Schema):
    """A breaker's history, newest first."""

    items: list[BreakerMove]
    next: int | None


class BreakerSaid(Schema):
    """A breaker after an act. ``told``: the fleet knows; else it is told as soon as its store answers."""

    breaker: Breaker
    told: bool


class BreakerOpening(Schema):
    """Once that it would have opened, and for how many seconds."""

    at: datetime
    seconds: int
    why: str
    kept_back: int


class BreakerDryRun(Schema):
    """What some rules would have made of the last 24 hours on record: an estimate, at ten seconds a step."""

    calls: int
    openings: list[BreakerOpening]
    open_seconds: int
    kept_back: int
    blind_seconds: int


def told(look: Look) -> Breaker:
    """Return a breaker as JSON."""
    moment = looks.figures(look.parts, now=look.now)
    machine = look.machine
    return Breaker(
        name=look.name,
        state=str(machine.state),
        share_percent=machine.share(look.rules, look.now),
        generation=machine.gen,
        since=datetime.fromtimestamp(machine.since, UTC) if machine.since else None,
        reason=machine.reason,
        retry_after_s=round(machine.retry_after_s(look.now), 3),
        override=None if look.override is Override.NONE else _override(look),
        number=look.row.override_number,
        rules=asdict(look.rules),
        rules_changed=look.row.rules,
        rules_version=look.row.rules_version,
        calls_per_s=round(moment.calls_s, 3),
        rejected_per_s=round(moment.rejected_s, 3),
        failing=moment.share,
        slow=moment.slow,
        p99_s=moment.p99_s,
    )


def _override(look: Look) -> BreakerOverride:
    return BreakerOverride(
        kind=str(look.override),
        until=look.override_until,
        by=look.row.override_by,
        reason=look.row.override_reason,
        told=look.is_told,
    )


def all_of(found: Wall) -> Breakers:
    """Return all of them."""
    return Breakers(items=[told(look) for look in found.looks], store_away=found.away, processes=len(found.processes))


def move(row: Transition) -> BreakerMove:
    """Return a line of a history."""
    return BreakerMove(
        at=row.at,
        generation=row.gen,
        before=row.before,
        after=row.after,
        override=row.override,
        reason=row.reason,
    )
