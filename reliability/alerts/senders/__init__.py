"""The ways out: each takes a message to the other side and returns what it said."""

from __future__ import annotations

from reliability.alerts.senders.sending import send

__all__ = ["send"]
