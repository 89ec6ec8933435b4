"""How a comparison ended, and in words what that means for what was found."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """How a comparison stands; the words are stored, so they never change."""

    ASKED = "asked"
    RUNNING = "running"
    COMPLETE = "complete"
    PARTIAL = "partial"  # something was not read: what is told of the rest is true
    FAILED = "failed"  # nothing was read
    ABANDONED = "abandoned"  # its process ended


def outcome(*, compared: int, unread: int, unjudged: int, error: str) -> Outcome:
    """Return how a comparison ended that came to its end: ``compared`` keys, of which some have no verdict."""
    if not unread and not unjudged and not error:
        return Outcome.COMPLETE
    return Outcome.PARTIAL if compared > unread + unjudged else Outcome.FAILED
