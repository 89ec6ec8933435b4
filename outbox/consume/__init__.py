"""The only way for a service to consume: each message once, with retries, and a dead letter at the end."""

from __future__ import annotations

from outbox.consume.consumer import Consumer
from outbox.domain.message import Malformed, Message

__all__ = ["Consumer", "Malformed", "Message"]
