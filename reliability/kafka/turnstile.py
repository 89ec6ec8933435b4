"""Whether a consume loop may start work now: what its gate says, and the rest that a ramp asks for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from reliability.kafka import ports
from reliability.kernel import clock

REST_SHOWN_S = 1.0  # a shorter rest is how a ramp looks, no wait that explains anything


class Turnstile:
    """Asks a gate before each piece of work, and remembers what it said until it is to be asked again.

    While only a share of the time may be spent on work, each piece is followed by a rest that makes up for it. A share
    that grows meanwhile shortens the rest.
    """

    def __init__(self, gate: ports.Gate, *, time: clock.Clock) -> None:
        self._gate, self._time = gate, time
        self._owed_s = 0.0
        """Time spent on work that no rest has made up for."""
        self._counted_s = time.monotonic()
        self._shut_until_s = self._rest_until_s = 0.0
        self._held_by = ""
        self._shut_since: datetime | None = None

    @property
    def is_shut(self) -> bool:
        """Whether the gate said no when it was asked last: then nothing need be read either."""
        return self._shut_since is not None

    @property
    def waits_until_s(self) -> float:
        """When work may start at the earliest, on the monotonic clock; in the past when it may now."""
        return max(self._shut_until_s, self._rest_until_s)

    def records(self) -> int:
        """Return how many records may be handed over at once now; 0: none."""
        now_s = self._time.monotonic()
        if now_s < self._shut_until_s:
            return 0
        passage = self._gate.passage()
        if passage.share <= 0:
            self._shut(now_s, passage)
            return 0
        self._shut_since = None
        rest_s = self._rest_s(now_s, passage.share)
        self._rest_until_s = now_s + min(rest_s, passage.again_s) if rest_s > 0 else 0.0
        if rest_s > 0:
            self._held_by = passage.reason or f"ramp at {passage.share:.0%}"
            return 0
        return passage.records

    def spent(self, spent_s: float) -> None:
        """Work took so long and has ended now, in seconds."""
        self._owed_s += spent_s
        self._counted_s = self._time.monotonic()

    def facts(self) -> Mapping[str, object]:
        """For the heartbeat: what holds work back, and since when; empty when nothing does."""
        now_s = self._time.monotonic()
        if self._shut_since is not None:
            return {"gate": self._held_by, "gate_since": self._shut_since.isoformat(timespec="seconds")}
        return {"gate": self._held_by} if now_s + REST_SHOWN_S <= self._rest_until_s else {}

    def _shut(self, now_s: float, passage: ports.Passage) -> None:
        self._shut_until_s, self._held_by = now_s + passage.again_s, passage.reason
        self._shut_since = self._shut_since or self._time.now()
        self._owed_s, self._rest_until_s = 0.0, 0.0  # it rests anyway

    def _rest_s(self, now_s: float, share: float) -> float:
        """How long to rest from now on, when ``share`` of the time may be spent on work."""
        if share >= 1:
            self._owed_s = 0.0
            return 0.0
        self._owed_s = max(0.0, self._owed_s - (now_s - self._counted_s) * share / (1 - share))
        self._counted_s = now_s
        return self._owed_s * (1 - share) / share if self._owed_s > 1e-9 else 0.0
