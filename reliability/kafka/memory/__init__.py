"""A broker in memory that answers to the same ports: for unit tests, and nothing is kept."""

from __future__ import annotations

from reliability.kafka.memory.broker import MemoryBroker

__all__ = ["MemoryBroker"]
