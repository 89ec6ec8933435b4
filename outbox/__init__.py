"""The transactional outbox: events leave for Kafka if, and only if, the caller's transaction commits.

``outbox.append(...)`` inside a transaction is all that a service needs; ``outbox.consume`` is its counterpart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from outbox.domain.event import Event
    from outbox.operations.append import append, append_many

__all__ = ["Event", "append", "append_many"]

_HOMES = {
    "append": "outbox.operations.append",
    "append_many": "outbox.operations.append",
    "Event": "outbox.domain.event",
}


def __getattr__(name: str) -> Any:
    """Fetch the public names late, because Django imports this package before its settings are ready."""
    if name not in _HOMES:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
