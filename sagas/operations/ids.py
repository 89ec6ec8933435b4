"""Ids whose order is that of time."""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID


def new_id(now: datetime) -> UUID:
    """Return an id whose order is that of time (RFC 9562, version 7): neighbours in time are neighbours on disk."""
    at_ms = int(now.timestamp() * 1000)
    number = at_ms << 80 | 0x7 << 76 | secrets.randbits(12) << 64
    return UUID(int=number | 0b10 << 62 | secrets.randbits(62))
