"""What is written down of breakers. What they are at this moment is in Redis."""

from __future__ import annotations

from reliability.breakers.models.breakers import Breaker, Progress, Traffic, Transition

__all__ = ["Breaker", "Progress", "Traffic", "Transition"]
