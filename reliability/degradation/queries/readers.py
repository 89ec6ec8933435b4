"""Who reads a flag, and how often: what a change of its level would reach."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from reliability.degradation.stores.shared import Process, RedisStore, Unreachable


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Who reads a flag now. ``per_s``: reads in a second, in all processes; ``where``: functions with a way otherwise.

    ``services``: name of a service to its reads in a second; ``behind``: processes that go by an older revision.
    ``is_known`` is False when Redis did not answer: then nobody knows who reads it.
    """

    per_s: float = 0.0
    processes: int = 0
    services: tuple[tuple[str, float], ...] = ()
    where: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    is_known: bool = True

    @property
    def sentence(self) -> str:
        """The same, as a person reads it."""
        if not self.is_known:
            return "Redis does not answer: who reads this flag is not known."
        if not self.processes:
            return "No process that is alive has read this flag."
        times = f"{self.per_s:,.0f} times" if self.per_s >= 1 else "less than once"
        names = ", ".join(name for name, _ in self.services)
        processes = "1 process" if self.processes == 1 else f"{self.processes} processes"
        return f"It is read {times} a second by {processes} ({names})."


def reach(flag: str, *, revision: int) -> Reach:
    """Return who reads a flag; ``revision`` is the newest, by which processes that are behind are told."""
    try:
        processes = RedisStore().processes()
    except Unreachable:
        return Reach(is_known=False)
    return reach_of(flag, processes, revision=revision)


def reach_of(flag: str, processes: list[Process], *, revision: int) -> Reach:
    """Return who of these processes reads a flag."""
    reading = [process for process in processes if flag in process.reads]
    services: dict[str, float] = defaultdict(float)
    for process in reading:
        services[process.service] += process.reads[flag]
    return Reach(
        per_s=sum(services.values()),
        processes=len(reading),
        services=tuple(sorted(services.items(), key=lambda each: (-each[1], each[0]))),
        where=tuple(sorted({name for process in reading for name in process.readers.get(flag, ())})),
        behind=tuple(process.id for process in reading if process.revision < revision),
    )
