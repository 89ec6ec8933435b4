"""The topics pages listen to, and the right each needs."""

from __future__ import annotations

import re

# A topic is a word, or a word and a row's id. The right is the one of the page that shows it.
RIGHT_OF = {
    "overview": "overview.view",
    "letters": "letters.view",
    "replays": "letters.view",
    "replay": "letters.view",
    "outbox": "outbox.view",
    "activity": "activity.view",
    "lag": "lag.view",
    "sagas": "sagas.view",
    "saga": "sagas.view",
    "batches": "sagas.view",
    "batch": "sagas.view",
    "findings": "reconcile.view",
    "finding": "reconcile.view",
    "degradation": "degradation.view",
    "processes": "processes.view",
    "demo": "overview.view",
}
WITH_ID = frozenset({"replay", "saga", "batch", "finding"})
MOST_TOPICS = 20  # per page: a page shows a handful of regions
_WELL_FORMED = re.compile(r"(?P<word>[a-z]{1,32})(?::(?P<id>[0-9A-Za-z-]{1,64}))?")


def id_in(topic: str) -> tuple[str, str] | None:
    """The word and the id of a topic that is about one row; None for any other."""
    word, _, row = topic.partition(":")
    return (word, row) if row else None


def right_of(topic: str) -> str | None:
    """The act an actor must be allowed for this topic's hints; None for a topic that does not exist."""
    match = _WELL_FORMED.fullmatch(topic)
    if match is None or (match["id"] is not None) != (match["word"] in WITH_ID):
        return None
    return RIGHT_OF.get(match["word"])
