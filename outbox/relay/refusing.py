"""What a refusal decides: for a whole topic, for all that is too large for it, or for one record yet to be found."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from outbox.domain import planning
from outbox.relay import producing
from outbox.relay.batch import Batch
from outbox.relay.topics import Topics
from reliability.kafka import ports

TOO_LARGE = frozenset({"MSG_SIZE_TOO_LARGE", "RECORD_LIST_TOO_LARGE", "INVALID_MSG_SIZE"})
OF_ONE_RECORD = TOO_LARGE | {"INVALID_RECORD", "INVALID_TIMESTAMP", "UNSUPPORTED_FOR_MESSAGE_FORMAT", "_INVALID_ARG"}
"""Refusals that one record brings on all that travel with it; any other is about the topic."""

OF_THE_WHOLE_TOPIC = frozenset({"TOPIC_AUTHORIZATION_FAILED", "TOPIC_EXCEPTION"})
"""Refusals that hold for each partition of the topic, and for what was not tried, too."""

_INNOCENT = ports.DeliveryError(code="travelled_with", message="went with one that was refused", permanent=False)


def permanent(batch: Batch) -> bool:
    """Whether Kafka refused something of the batch for good."""
    return any(error.permanent for error in batch.failed.values())


def sort_out(batches: Sequence[Batch], *, topics: Topics) -> None:
    """Mark or park what is known to be refused; set apart the topics in which the culprit is to be found.

    What is in ``failed`` afterwards is innocent and may be sent again.
    """
    for batch in batches:
        _refuse_topics(batch)
    too_large = {topic for batch in batches for topic in _topics_of(batch, TOO_LARGE)}
    if too_large:
        topics.look_again()
        for batch in batches:
            _doom_too_large(batch, too_large, topics.limit_bytes)
    for batch in batches:
        _set_apart(batch)


def park_doomed(batch: Batch) -> None:
    """Park what is known to be refused, and what is behind it, once all that may be sent was sent."""
    if not batch.doomed or batch.failed or batch.apart or next(batch.sendable(), None) is not None:
        return
    for place in list(batch.left()):
        if not batch.refuse_behind(place):
            producing.refuse(batch, place, batch.doomed[place])


def _topics_of(batch: Batch, codes: frozenset[str]) -> set[str]:
    return {batch.plan.sends[place].topic for place, error in batch.failed.items() if error.code in codes}


def _refuse_topics(batch: Batch) -> None:
    whole = {
        batch.plan.sends[place].topic: error
        for place, error in batch.failed.items()
        if error.permanent and error.code in OF_THE_WHOLE_TOPIC
    }
    for place in list(batch.left()):
        error = whole.get(batch.plan.sends[place].topic) or batch.failed.get(place)
        if error is not None and error.permanent and error.code not in OF_ONE_RECORD:
            _park(batch, place, error)


def _doom_too_large(batch: Batch, topics: set[str], limit_bytes: Callable[[str], int]) -> None:
    """Find what the topics' limits rule out. Where that explains the refusal, the others are innocent."""
    explained: set[str] = set()
    for place in batch.left():
        row = batch.plan.rows[place]
        if place not in batch.doomed and row.topic in topics and row.size_bytes > limit_bytes(row.topic):
            explained.add(row.topic)
            refusal = planning.refusal_of(row, batch.plan.partitions[row.topic], row.size_bytes, limit_bytes(row.topic))
            batch.doomed[place] = ports.DeliveryError(code=refusal.code, message=refusal.reason, permanent=True)
            batch.failed.pop(place, None)
    for place, error in batch.failed.items():
        if error.code in TOO_LARGE and batch.plan.sends[place].topic in explained:
            batch.failed[place] = _INNOCENT


def _park(batch: Batch, place: int, error: ports.DeliveryError) -> None:
    batch.failed.pop(place, None)
    if not batch.refuse_behind(place):
        producing.refuse(batch, place, error)


def _set_apart(batch: Batch) -> None:
    """Let the topics of which a record was refused wait, to be sent singly up to the last that may be the culprit."""
    for place, error in batch.failed.items():
        if error.permanent:
            topic = batch.plan.sends[place].topic
            batch.apart[topic] = max(place, batch.apart.get(topic, place))
    for place in [place for place in batch.failed if batch.plan.sends[place].topic in batch.apart]:
        del batch.failed[place]
