"""Tables of dead letters."""

from __future__ import annotations

from dlq.models.discards import Discard, DiscardedLetter
from dlq.models.letters import GroupMinute, Letter, LetterGroup, Source
from dlq.models.replays import GroupWatch, Replay, ReplayItem, ReplayPlan, TopicShape

__all__ = [
    "Discard",
    "DiscardedLetter",
    "GroupMinute",
    "GroupWatch",
    "Letter",
    "LetterGroup",
    "Replay",
    "ReplayItem",
    "ReplayPlan",
    "Source",
    "TopicShape",
]
