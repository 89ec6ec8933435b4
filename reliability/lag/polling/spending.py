"""How many requests a minute each broker is asked, from what the client counted."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

MINUTE_S = 60.0


class Spending:
    """Counts of the last minute."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, dict[int, int]]] = deque()

    def per_minute(self, asked: Mapping[int, int], *, now_s: float, stretch: float) -> dict[int, float]:
        """Note the requests sent to each broker so far; return what a minute would take if nothing were stretched.

        ``stretch``: by how much intervals were longer than set meanwhile.
        """
        self._seen.append((now_s, dict(asked)))
        while len(self._seen) > 2 and now_s - self._seen[1][0] >= MINUTE_S:
            self._seen.popleft()
        first_s, first = self._seen[0]
        span_s = now_s - first_s
        if span_s <= 0:
            return {}
        return {
            broker: max(0, count - first.get(broker, 0)) * MINUTE_S / span_s * stretch
            for broker, count in asked.items()
        }
