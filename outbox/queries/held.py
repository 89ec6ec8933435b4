"""What holds the consumers of a group back."""

from __future__ import annotations

from reliability.live import queries as live
from reliability.live.domain.processes import STOPPED

CONSUMER = "consume:"


def held_back(group: str) -> str:
    """Return why no consumer of a group takes records now, such as an open breaker; "" when one does, or none is heard.

    A consumer that only goes slower while a breaker recovers is not held back.
    """
    named = [row for row in live.heartbeats() if row.name == f"{CONSUMER}{group}"]
    heard = [row.facts for row in named if not row.is_silent and row.state != STOPPED]
    reasons = [str(facts.get("gate", "")) if facts.get("gate_since") else "" for facts in heard]
    return reasons[0] if reasons and all(reasons) else ""
