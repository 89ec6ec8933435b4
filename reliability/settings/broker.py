"""Celery's broker, as Celery is told of it."""

from __future__ import annotations

from reliability.kernel import redis_address


def shown(text: str) -> str:
    """Return an address for Celery to name its broker by, in logs too; where that leads is the transport's matter."""
    address = redis_address.parsed(text)
    if address.kind == "socket":
        return "redis://localhost/0"
    host, port = address.nodes[0]
    return f"redis://{f'[{host}]' if ':' in host else host}:{port}/{address.database}"
