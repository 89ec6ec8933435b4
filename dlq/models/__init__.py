"""Tables of dead letters."""

from __future__ import annotations

from dlq.models.letters import GroupMinute, Letter, LetterGroup, Source

__all__ = ["GroupMinute", "Letter", "LetterGroup", "Source"]
