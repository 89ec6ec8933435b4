"""What waits for a breaker, as the processes say of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reliability.live import queries as live

CONSUMER: Final = "consume:"


def of(name: str) -> list[str]:
    """Return the consumers and topics that are held back by this breaker now, in words, each once."""
    found = []
    for row in live.heartbeats():
        if row.is_silent:
            continue
        gate, topics = row.facts.get("gate"), row.facts.get("held_topics")
        if isinstance(gate, str) and name in gate.replace(",", " ").split():
            found.append(f"the consumer group {row.name.removeprefix(CONSUMER)}")
        for topic, why in topics.items() if isinstance(topics, Mapping) else ():
            if name in str(why).replace(",", " ").split():
                found.append(f"the outbox's topic {topic}")
    return sorted(set(found))
