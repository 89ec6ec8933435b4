"""A tiny circuit: after a failure nobody asks for a while; a dead server costs one short wait, not one per call."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """Closed while ``failures`` is 0. Instants are monotonic seconds; the wait doubles up to ``longest_s``."""

    wait_s: float = 1.0
    longest_s: float = 5.0
    failures: int = 0
    open_until_s: float = 0.0

    def allows(self, now_s: float) -> bool:
        """Whether a call may be tried."""
        return self.failures == 0 or now_s >= self.open_until_s

    def failed(self, now_s: float) -> Circuit:
        """The circuit after a failure."""
        failures = self.failures + 1
        wait_s = min(self.longest_s, self.wait_s * 2.0 ** min(failures - 1, 10))
        return replace(self, failures=failures, open_until_s=now_s + wait_s)

    def succeeded(self) -> Circuit:
        """The circuit after a success."""
        return self if self.failures == 0 else replace(self, failures=0, open_until_s=0.0)
