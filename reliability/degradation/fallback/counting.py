"""How often each place was the answer, until somebody is told; and what each cache is."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from reliability.degradation.domain.fallback import Outcome, Rules
from reliability.kernel import clock
from reliability.kernel.telemetry import metrics, names


@dataclass(slots=True)
class Said:
    """What is known of one cache in this process. Instants are seconds since 1970."""

    rules: Rules
    where: str
    has_default: bool
    asked_at: float | None = None
    stale_at: float | None = None
    stale_age_s: float | None = None

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "where": self.where,
            "fresh_s": self.rules.fresh_s,
            "stale_s": self.rules.stale_s,
            "has_default": self.has_default,
            "asked_at": self.asked_at,
            "stale_at": self.stale_at,
            "stale_age_s": self.stale_age_s,
        }


@dataclass(slots=True)
class Counts:
    """Of all caches of a process; ``taken`` empties them."""

    caches: dict[str, Said] = field(default_factory=dict)
    _untold: Counter[tuple[str, Outcome]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, said: Said, outcome: Outcome, *, age_s: float = 0.0) -> None:
        """Count one answer; ``age_s``: how old it is."""
        name = said.rules.name
        with self._lock:
            self._untold[name, outcome] += 1
        metrics.inc(names.FALLBACKS, cache=name, outcome=outcome.value)
        if outcome is Outcome.ASKED:
            said.asked_at = clock.SYSTEM.now().timestamp()
        elif outcome is Outcome.STALE:
            said.stale_at, said.stale_age_s = clock.SYSTEM.now().timestamp(), age_s

    def taken(self) -> dict[str, dict[str, int]]:
        """Return what was counted since it was taken last: name by outcome."""
        with self._lock:
            untold, self._untold = self._untold, Counter()
        found: dict[str, dict[str, int]] = {}
        for (name, outcome), times in untold.items():
            found.setdefault(name, {})[outcome.value] = times
        return found

    def give_back(self, counts: dict[str, dict[str, int]]) -> None:
        """Count again what could not be told."""
        with self._lock:
            for name, outcomes in counts.items():
                for outcome, times in outcomes.items():
                    self._untold[name, Outcome(outcome)] += times

    def renew(self) -> None:
        """In a process that was forked: what the parent counted, the parent tells."""
        self._lock = threading.Lock()
        self._untold = Counter()
