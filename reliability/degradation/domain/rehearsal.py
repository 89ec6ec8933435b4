"""A dry run: what a policy would have done on samples that were recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge

from reliability.console.domain.conditions import Reading
from reliability.degradation.domain.policy import Key, Moved, Policy, State, step


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A signal that had one value from ``first`` to ``last``, looked at so often that nothing was missed between."""

    key: Key
    value: float
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A time at the policy's level; ``until`` None: it lasted beyond the end of what was recorded."""

    since: datetime
    until: datetime | None
    why: str
    why_left: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What would have happened between ``begins`` and ``ends``.

    ``degraded_s``: for how long in all; ``held``: when it would have asked for a person; ``unheard``: signals of which
    nothing was recorded, so that the dry run says little of them.
    """

    begins: datetime
    ends: datetime
    spells: tuple[Spell, ...]
    degraded_s: float
    held: datetime | None
    samples: int
    unheard: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The result, as a person reads it."""
        if self.samples == 0:
            return "Nothing is recorded of these signals in this time: save the policy switched off, and try later."
        times = {0: "never", 1: "once"}.get(len(self.spells), f"{len(self.spells)} times")
        lasted = f", for {self.degraded_s:,.0f} s in all" if self.spells else ""
        held = f" It would have asked for a person at {self.held:%Y-%m-%d %H:%M:%S} UTC." if self.held else ""
        silent = f" Nothing is recorded of {', '.join(self.unheard)}." if self.unheard else ""
        return f"It would have degraded {times}{lasted}.{held}{silent}"


def rehearse(policy: Policy, recorded: Iterable[Recorded], *, begins: datetime, ends: datetime) -> Rehearsal:
    """Return what the policy would have done; it begins normal, with nothing known.

    Nothing but a sample and the end of the dwell can move a policy, so it is looked at then and only then.
    """
    wanted = dict(zip(policy.keys, policy.conditions, strict=True))
    rows = [row for row in recorded if row.key in wanted and row.last >= begins and row.first <= ends]
    looks = (_looks(row, wanted[row.key].fresh_s) for row in sorted(rows, key=lambda row: row.first))
    state, spells, samples = State(), list[Spell](), 0
    readings: dict[Key, Reading | None] = {}
    for key, reading in merge(*looks, key=lambda look: look[1].at):
        if not begins <= reading.at <= ends:
            continue
        dwelt = _dwelt(state, policy)
        if dwelt is not None and dwelt < reading.at:
            state = _moved(state, policy, {}, spells, now=dwelt)
        readings[key] = reading
        samples += 1
        state = _moved(state, policy, readings, spells, now=reading.at)
    dwelt = _dwelt(state, policy)
    if dwelt is not None and dwelt <= ends:
        state = _moved(state, policy, {}, spells, now=dwelt)
    heard = {row.key for row in rows}
    return Rehearsal(
        begins=begins,
        ends=ends,
        spells=tuple(spells),
        degraded_s=sum(((spell.until or ends) - spell.since).total_seconds() for spell in spells),
        held=state.held,
        samples=samples,
        unheard=tuple(condition.named for key, condition in wanted.items() if key not in heard),
    )


def _moved(
    state: State, policy: Policy, readings: dict[Key, Reading | None], spells: list[Spell], *, now: datetime
) -> State:
    done = step(state, policy, readings, now=now)
    if done.moved is Moved.ENTERED:
        spells.append(Spell(since=now, until=None, why=done.why))
    elif done.moved is Moved.LEFT:
        spells[-1] = Spell(since=spells[-1].since, until=now, why=spells[-1].why, why_left=done.why)
    return done.state


def _dwelt(state: State, policy: Policy) -> datetime | None:
    return state.since + timedelta(seconds=policy.dwell_s) if state.entered and state.since is not None else None


def _looks(row: Recorded, fresh_s: float) -> Iterator[tuple[Key, Reading]]:
    """A recorded value as the samples that a policy needs to know that it lasted."""
    at, every = row.first, timedelta(seconds=min(10.0, fresh_s / 2))
    while at < row.last:
        yield row.key, Reading(value=row.value, at=at)
        at += every
    yield row.key, Reading(value=row.value, at=row.last)
