"""Chance that nobody seeds: processes that were forked do not throw the same, and nobody else's seed is disturbed."""

from __future__ import annotations

from collections.abc import Callable
from random import SystemRandom
from typing import Final

CHANCE: Final[Callable[[], float]] = SystemRandom().random
"""Returns a number from 0 to 1, without 1."""
