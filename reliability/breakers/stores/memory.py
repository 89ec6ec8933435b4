"""Breakers of one process, for tests and for whoever is alone."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from reliability.breakers.domain import packing
from reliability.breakers.domain.evidence import Counts, HostCounts, Window, in_a_row
from reliability.breakers.domain.machine import Breaker
from reliability.breakers.stores.port import Kept, Pooled, Told


class MemoryStore:
    """A ``Store`` on a clock of seconds that never goes back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._texts: dict[str, str] = {}
        self._windows: dict[tuple[str, int], dict[str, Window]] = defaultdict(dict)
        self._rows: dict[tuple[str, int], int] = defaultdict(int)
        self._row_hosts: dict[tuple[str, int], set[str]] = defaultdict(set)
        self._revision = 0
        self._changes: dict[str, str] = {}
        self.processes: dict[str, str] = {}
        self.rules: dict[str, str] = {}
        self._lock = threading.RLock()

    def read(self, names: Sequence[str]) -> Mapping[str, Kept]:
        """Return the breakers of these names."""
        with self._lock:
            return {name: self._kept(name) for name in names}

    def swap(self, name: str, kept: Kept, after: Breaker) -> Kept | None:
        """Keep ``after`` instead of ``kept``; None when something else is kept by now."""
        with self._lock:
            if self._texts.get(name, "") != kept.text:
                return None
            self._texts[name] = packing.packed(after)
            if kept.breaker is None or kept.breaker.gen != after.gen:
                self._revision += 1
            return self._kept(name)

    def tell(self, host: str, told: Sequence[Told]) -> Mapping[str, Pooled]:
        """Add what a process of ``host`` counted; return what each of these breakers has come to."""
        with self._lock:
            return {each.name: self._pooled(host, each) for each in told}

    def changes(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return what persons have changed of these breakers' rules."""
        return {name: self._changes.get(name, "") for name in names}

    def say_changes(self, name: str, changes: str) -> None:
        """Tell all of what a person has changed of a breaker's rules."""
        with self._lock:
            self._changes[name] = changes
            self._revision += 1

    def beat(self, process: str, said: str, declared: Mapping[str, str], named: Mapping[str, str] | None = None) -> int:
        """Return a number that grows with each new generation of any breaker."""
        self.processes[process] = said
        self.rules = {**(named or {}), **self.rules, **declared}
        return self._revision

    def declared(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return the rules that code has declared, as text."""
        return {name: self.rules[name] for name in names if name in self.rules}

    def _kept(self, name: str) -> Kept:
        text = self._texts.get(name, "")
        return Kept(breaker=packing.unpacked(text) if text else None, text=text, now=self._clock())

    def _pooled(self, host: str, told: Told) -> Pooled:
        kept = self._kept(told.name)
        gen = kept.breaker.gen if kept.breaker is not None else 1
        if gen == told.gen:
            self._count(host, told, kept.now)
        windows = self._windows[told.name, gen]
        hosts = {host: window.counts(now=kept.now) for host, window in windows.items()}
        bad = any(each.failed or each.slow for each in hosts.values())
        seen: dict[str, HostCounts] = {host: each for host, each in hosts.items() if each.calls} if bad else {}
        row, row_hosts = self._rows[told.name, gen], len(self._row_hosts[told.name, gen])
        return Pooled(kept=kept, hosts=seen, row=row, row_hosts=row_hosts)

    def _count(self, host: str, told: Told, now: float) -> None:
        counts: Counts = told.counts
        if counts.calls:
            window = self._windows[told.name, told.gen].setdefault(host, Window(told.window_s))
            window.add(counts, now=now)
            of = told.name, told.gen
            self._rows[of] = in_a_row(self._rows[of], counts)
            if counts.calls > counts.failed:
                self._row_hosts[of].clear()
            if self._rows[of]:
                self._row_hosts[of].add(host)
