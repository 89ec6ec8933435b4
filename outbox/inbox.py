"""The inbox: each message is handled once per consumer, whatever Kafka delivers again.

Called inside the transaction of the work that it guards: the row and the work live or die together. Rows are found by
id; the watermark form for our own outboxes (one row per partition and series) is not there yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection, transaction

from outbox.domain import message
from reliability.kernel import text
from reliability.kernel.errors import MainstayError
from reliability.kernel.record import TopicPartition

ATTEMPT_MAX = 2**31 - 1
SHOWN_CHARACTERS_MAX = 300  # holds every id that is made of coordinates

# Absent: noted as done. Given up, or waiting for a retry, at an earlier attempt: done now. Otherwise nothing happens,
# and nothing comes back. The order by digest keeps two consumers that share ids from waiting for each other in a ring.
_ADMIT = """
INSERT INTO outbox_inbox AS seen (digest, consumer, message_id, state, attempt)
SELECT digest, %s, message_id, 'done', attempt
FROM unnest(%s::bytea[], %s::text[], %s::int[]) AS new (digest, message_id, attempt)
ORDER BY digest
ON CONFLICT (digest) DO UPDATE SET state = 'done', attempt = excluded.attempt, at = clock_timestamp()
    WHERE seen.state <> 'done' AND seen.attempt < excluded.attempt
RETURNING digest
"""
_SETTLE = "UPDATE outbox_inbox SET state = %s, at = clock_timestamp() WHERE digest = %s"

# The database outlives the process whose death is noted here: no need to wait until the note is on its disk.
_BEGIN = """
INSERT INTO outbox_start AS noted (consumer, topic, partition, "offset", starts)
SELECT %s, %s, %s, %s, 1 FROM set_config('synchronous_commit', 'off', true)
ON CONFLICT (consumer, topic, partition) DO UPDATE
    SET starts = CASE WHEN noted."offset" = excluded."offset" THEN noted.starts + 1 ELSE 1 END,
        "offset" = excluded."offset", at = clock_timestamp()
RETURNING starts
"""
_END = """
UPDATE outbox_start SET starts = starts - 1
WHERE consumer = %s AND topic = %s AND partition = %s AND "offset" = %s AND starts > 0
"""

_MEET = """
WITH before AS (SELECT topic_id FROM outbox_consumed WHERE consumer = %(consumer)s AND topic = %(topic)s)
INSERT INTO outbox_consumed (consumer, topic, topic_id) VALUES (%(consumer)s, %(topic)s, %(topic_id)s)
ON CONFLICT (consumer, topic) DO UPDATE SET topic_id = excluded.topic_id, at = clock_timestamp()
RETURNING (SELECT topic_id FROM before)
"""
_FORGET = "DELETE FROM outbox_inbox WHERE consumer = %s AND starts_with(message_id, %s)"


class NotInTransaction(MainstayError):
    """The inbox needs an open transaction: its row must live or die with the work that it guards."""


class Delivery(NamedTuple):
    """A message's id and the attempt (from 1) that this delivery of it is."""

    message_id: str
    attempt: int = 1


def once(consumer: str, message_id: str, *, attempt: int = 1) -> bool:
    """Return True if this consumer shall handle the message now, which is thereby noted as done.

    False: it did so before, or gave up at this attempt or a later one. A second transaction with the same message
    waits here for the first one's end.
    """
    return admit(consumer, [Delivery(message_id, attempt)])[0]


def admit(consumer: str, deliveries: Sequence[Delivery]) -> list[bool]:
    """The same for many in one statement. Of equal ids among them only the first is admitted."""
    if not connection.in_atomic_block:
        raise NotInTransaction
    fresh: dict[bytes, Delivery] = {}
    digests = [message.digest(consumer, delivery.message_id) for delivery in deliveries]
    for digest, delivery in zip(digests, deliveries, strict=True):
        fresh.setdefault(digest, delivery)
    with connection.cursor() as cursor:
        cursor.execute(
            _ADMIT,
            [
                text.printable(consumer, limit=SHOWN_CHARACTERS_MAX),
                list(fresh),
                [text.printable(one.message_id, limit=SHOWN_CHARACTERS_MAX) for one in fresh.values()],
                [min(max(one.attempt, 1), ATTEMPT_MAX) for one in fresh.values()],
            ],
        )
        admitted = {bytes(digest) for (digest,) in cursor.fetchall()}
    answers = []
    for digest in digests:
        answers.append(digest in admitted)
        admitted.discard(digest)
    return answers


def settle(consumer: str, message_id: str, state: str) -> None:
    """Change an admitted message from done to ``retrying`` or ``gave_up``: it may come again at a later attempt."""
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, [state, message.digest(consumer, message_id)])


def begin(consumer: str, partition: TopicPartition, offset: int) -> int:
    """Note that work on a record starts; return how many starts of it in a row never ended, this one included.

    Outside of any transaction, so that the note stays when the process dies.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, [consumer, *partition, offset])
        return int(cursor.fetchone()[0])


def end(consumer: str, partition: TopicPartition, offset: int) -> None:
    """Take the note of ``begin`` back: the work ended, and the process lives."""
    with connection.cursor() as cursor:
        cursor.execute(_END, [consumer, *partition, offset])


def meet(consumer: str, *, topic: str, topic_id: str) -> int:
    """Note which incarnation of a topic is read; return how many rows of an earlier one were forgotten.

    Messages without an id of their own are known by their coordinates, which a recreated topic uses again: without
    this its messages would be taken for those of the topic before it, and passed over.
    """
    shown = text.printable(consumer, limit=SHOWN_CHARACTERS_MAX)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_MEET, {"consumer": shown, "topic": topic, "topic_id": topic_id})
        (before,) = cursor.fetchone()
        if before is None or before == topic_id:
            return 0
        cursor.execute(_FORGET, [shown, f"{topic}/"])
        return int(cursor.rowcount)
