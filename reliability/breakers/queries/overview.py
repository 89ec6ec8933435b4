"""What the console's front page, timeline, metrics and doctor say of breakers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from reliability.breakers.domain import looks
from reliability.breakers.domain.machine import Breaker as Machine
from reliability.breakers.domain.machine import Override, State
from reliability.breakers.models import Breaker, Transition
from reliability.breakers.queries import moves, wall
from reliability.breakers.queries.history import NoSuchBreaker
from reliability.breakers.queries.wall import Look, Wall
from reliability.breakers.stores.port import Unreachable
from reliability.breakers.stores.shared import RedisStore
from reliability.console.domain.values import (
    CheckResult,
    Fact,
    Figure,
    Item,
    Sample,
    Status,
    Subject,
    Tile,
    TimelineRow,
)
from reliability.kernel import clock
from reliability.kernel.telemetry import names

TITLE: Final = "Breakers"
URL: Final = "/breakers/"
STATES: Final = (State.CLOSED, State.RECOVERING, State.HALF_OPEN, State.OPEN)
"""In the order of what they cost; a signal's value is the place."""
_TURNS: Final[dict[State, tuple[Status, str]]] = {
    State.OPEN: ("crit", "opened"),
    State.HALF_OPEN: ("warn", "tries some calls"),
    State.RECOVERING: ("prog", "recovers"),
    State.CLOSED: ("ok", "closed"),
}


def tile(*, now: datetime) -> Tile:
    """How many are open, of how many."""
    found = wall.wall(now=now, traffic=False)
    if not found.looks:
        return Tile(title=TITLE, value="—", unit="none called yet", status="unknown", word="No data", at=None, url=URL)
    shut = [look for look in found.looks if _rejects(look)]
    away: tuple[Status, str] | None = ("unknown", "Store is away") if found.away else None
    status, word = away or (("warn", f"{len(shut)} open") if shut else ("ok", "All let pass"))
    return Tile(
        title=TITLE,
        value=f"{len(shut)} of {len(found.looks)}",
        unit="open",
        status=status,
        word=word,
        at=None if found.away else found.at,
        url=URL,
    )


def _rejects(look: Look) -> bool:
    if look.override is not Override.NONE:
        return look.override is Override.FORCED_OPEN
    return look.is_named and look.machine.state in (State.OPEN, State.HALF_OPEN)


def attention(*, now: datetime) -> Sequence[Item]:
    """Breakers that are open by themselves, and a store that is away."""
    found = wall.wall(now=now, traffic=False)
    items = [_item(look) for look in found.looks if look.override is Override.NONE and _rejects(look)]
    if found.away and found.looks:
        items.append(
            Item(
                id="breakers:store",
                room="breakers",
                status="warn",
                word="No store",
                title="Breakers go on without the store that the fleet shares",
                detail="What was open stays open; each process decides for itself. Bring Redis back.",
                since=None,
                url=URL,
                lines=0,
            )
        )
    return items


def _item(look: Look) -> Item:
    page = f"{URL}{look.name}/"
    return Item(
        id=f"breakers:{look.name}",
        room="breakers",
        status="warn",
        word="Open" if look.machine.state is State.OPEN else "Half-open",
        title=f"{look.name} is not called: its breaker is open",
        detail=look.machine.cause or look.machine.reason,
        since=_instant(look.machine.since),
        url=page,
        act_label="Look",
        act_url=page,
        is_cause=True,
    )


def timeline(since: datetime, limit: int) -> Sequence[TimelineRow]:
    """What breakers did by themselves. What persons decided, the activity tells."""
    return [row for each in moves.since(since, limit) if (row := _row(each)) is not None]


def _row(move: Transition) -> TimelineRow | None:
    status, turned = _TURNS[State(move.after)]
    if move.before == move.after:
        if move.override:
            return None
        status, turned = "ok", "decides by itself again"
    why = f": {move.reason}" if move.reason and move.before != move.after else ""
    text = f"breaker {move.breaker} {turned}{why}"
    return TimelineRow(at=move.at, kind="machine", status=status, text=text, url=f"{URL}{move.breaker}/")


def cause(subject: Subject, window: timedelta, *, now: datetime) -> Sequence[Fact]:
    """Why a dependency is not called."""
    if subject.kind != "dependency":
        return []
    row = Breaker.objects.filter(name=subject.name).first()
    if row is None or row.state == State.CLOSED:
        return []
    text = f"its breaker is {row.state.replace('_', '-')}: {wall.written(row).reason}"
    return [Fact(kind="breaker", text=text, since=row.moved_at, severity="warn", url=f"{URL}{row.name}/")]


def state(name: str) -> Sample | None:
    """Return a breaker's state as a number: 0 closed, 1 recovering, 2 half-open, 3 open; None for one that is unknown.

    What a person decides counts as what it does: forced open is 3, forced closed and watched only are 0.
    """
    kept = _kept(name)
    if kept is None:
        return None
    breaker, now = kept
    override = breaker.overridden(now)
    if override is not Override.NONE:
        return Sample(value=3.0 if override is Override.FORCED_OPEN else 0.0, at=clock.SYSTEM.now())
    return Sample(value=float(STATES.index(breaker.state)), at=clock.SYSTEM.now())


def failing(name: str) -> Sample | None:
    """Return the share of a breaker's calls that failed within half a minute, in percent; None without calls."""
    try:
        found = wall.wall(now=clock.SYSTEM.now(), name=name)
    except NoSuchBreaker:
        return None
    share = looks.figures(found.looks[0].parts, now=found.looks[0].now).share
    return None if share is None or found.away else Sample(value=share * 100, at=found.at)


def _kept(name: str) -> tuple[Machine, float] | None:
    if not Breaker.objects.filter(name=name).exists():
        return None
    try:
        kept = RedisStore().read([name])[name]
    except Unreachable:
        return None
    return (kept.breaker or Machine(), kept.now)


def figures() -> Iterator[Figure]:
    """Everything for Prometheus: 1 for the state that each is in, and its traffic."""
    found: Wall = wall.wall(now=clock.SYSTEM.now())
    for look in found.looks:
        word = str(look.override or look.machine.state)
        yield Figure(metric=names.BREAKER_STATE, value=1, labels={"breaker": look.name, "state": word})
        moment = looks.figures(look.parts, now=look.now)
        yield Figure(metric=names.BREAKER_CALLS, value=moment.calls_s, labels={"breaker": look.name})
        yield Figure(metric=names.BREAKER_REJECTED, value=moment.rejected_s, labels={"breaker": look.name})
        if moment.share is not None:
            yield Figure(metric=names.BREAKER_FAILING, value=moment.share, labels={"breaker": look.name})


def check() -> CheckResult:
    """A line of doctor: whether the store answers, and who decides by himself."""
    found = wall.wall(now=clock.SYSTEM.now(), traffic=False)
    if found.away:
        return CheckResult(
            verdict="fail",
            found=f"the store that breakers share does not answer: {found.away}",
            remedy="Bring Redis back (REDIS_URL). What was open stays open until then.",
        )
    shut = [look.name for look in found.looks if _rejects(look)]
    apart = sorted({f"{process.host}:{process.pid}" for process in found.processes if process.apart})
    if apart:
        return CheckResult(
            verdict="warn",
            found=f"{', '.join(apart[:3])} decide{'s' if len(apart) == 1 else ''} by themselves",
            remedy="Their hosts fail where others do not, or do not hear Redis: look at these hosts.",
        )
    told = f"{len(found.looks)} breakers, {len(found.processes)} processes"
    return CheckResult(verdict="ok", found=f"{told}; open: {', '.join(shut)}" if shut else f"{told}; none is open")


def _instant(seconds: float) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
