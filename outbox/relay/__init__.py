"""The relay: from committed rows to Kafka, at least once, in order per key."""

from __future__ import annotations

from outbox.relay.engine import Kafka, Relay
from outbox.relay.hosting import of_this_process, serve
from outbox.relay.leases import Identity, identity

__all__ = ["Identity", "Kafka", "Relay", "identity", "of_this_process", "serve"]
