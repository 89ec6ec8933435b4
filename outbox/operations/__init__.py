"""Writes: append events, keep the table's partitions, pause and resume the relays.

``append`` stands in its module ``outbox.operations.append``, and in ``outbox`` itself.
"""

from __future__ import annotations

from outbox.operations.pausing import accept_database, pause, resume
from outbox.operations.upkeep import keep_up

__all__ = ["accept_database", "keep_up", "pause", "resume"]
