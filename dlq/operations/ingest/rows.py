"""Rows of letters: what is there already, who leads, and the COPY that writes the rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import connection

from dlq.models.letters import State
from dlq.operations.following import LEADING, SAME_FAILURE
from dlq.operations.ingest.values import Incoming
from reliability.kernel import wire

# One COPY is several times cheaper than the same rows as parameters, and bytea stays binary on the wire.
_COLUMNS: dict[str, str] = {
    "id": "int8", "cluster": "text", "topic": "text", "topic_id": "text", "partition": "int4", "offset": "int8",
    "timestamp_ms": "int8", "key": "bytea", "value": "bytea", "headers": "bytea", "headers_unreadable": "bool",
    "parse_error": "text", "left_out": "text", "dialect": "text", "origin_topic": "text", "origin_partition": "int4",
    "origin_offset": "int8", "origin_timestamp_ms": "int8", "consumer_group": "text", "attempt": "int4",
    "error_type": "text", "error_message": "text", "error_stack": "text", "cause": "text",
    "first_failed_at": "timestamptz", "failed_at": "timestamptz", "trace_id": "text", "message_id": "text",
    "replay": "text", "key_text": "text", "value_size": "int4", "stored_at": "timestamptz", "state": "text",
    "replay_count": "int4", "group_id": "int8",
}  # fmt: skip
_NAMES = ", ".join(f'"{name}"' for name in _COLUMNS)
_COPY = f"COPY dlq_letter ({_NAMES}) FROM STDIN (FORMAT BINARY)"
_TYPES = list(_COLUMNS.values())

_STORED = """
SELECT "offset" FROM dlq_letter
 WHERE cluster = %s AND topic_id = %s AND "partition" = %s AND "offset" = ANY(%s::int8[])
"""
# LATERAL, and min() of an expression: one look into the index of origins per letter, also while the planner knows
# nothing of a table that fills; min(id) itself would tempt it to walk the primary key.
_LEADERS = f"""
SELECT fresh.id, leader.id
  FROM dlq_letter fresh
 CROSS JOIN LATERAL (
       SELECT min(old.id + 0) AS id FROM dlq_letter old
        WHERE {SAME_FAILURE} AND old.id < fresh.id
          AND old.duplicate_of_id IS NULL AND old.state = ANY(%s)) leader
 WHERE fresh.id = ANY(%s::int8[]) AND fresh.origin_topic <> '' AND leader.id IS NOT NULL
"""  # noqa: S608 - of our own words
_FOLLOW = "UPDATE dlq_letter SET duplicate_of_id = %s WHERE id = %s"


def unstored(batch: Sequence[Incoming], *, cluster: str) -> list[Incoming]:
    """Return the records that are not yet letters, each coordinate once, in their order."""
    places: dict[tuple[str, int], dict[int, Incoming]] = defaultdict(dict)
    for each in batch:
        places[each.topic_id, each.record.partition].setdefault(each.record.offset, each)
    with connection.cursor() as cursor:
        for (topic_id, partition), offsets in places.items():
            cursor.execute(_STORED, [cluster, topic_id, partition, _array(offsets)])
            for (offset,) in cursor.fetchall():
                del offsets[offset]
    kept = {id(each) for offsets in places.values() for each in offsets.values()}
    return [each for each in batch if id(each) in kept]


def number(batch: Sequence[Incoming]) -> None:
    """Give each record the id of the row it becomes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('dlq_letter_id_seq'::regclass) FROM generate_series(1, %s)", [len(batch)])
        for each, (letter_id,) in zip(batch, cursor.fetchall(), strict=True):
            each.id = letter_id


def find_leaders(batch: Sequence[Incoming]) -> None:
    """Mark each written letter that repeats a failure with the first letter that tells of it: that one leads.

    Sound against a second writer because the failure's group is locked before: both letters are of one group.
    """
    by_id = {each.id: each for each in batch}
    with connection.cursor() as cursor:
        cursor.execute(_LEADERS, [LEADING, _array(by_id)])
        found = cursor.fetchall()
        for letter_id, leader_id in found:
            by_id[letter_id].duplicate_of = leader_id
        if found:
            cursor.executemany(_FOLLOW, [(leader_id, letter_id) for letter_id, leader_id in found])


def _array(numbers: Iterable[int]) -> str:
    """An array as PostgreSQL writes it: hundreds of numbers this way cost a fraction of a list parameter."""
    return f"{{{','.join(map(str, numbers))}}}"


def write(batch: Sequence[Incoming], *, cluster: str, now: datetime) -> None:
    """Write the rows; raises ``IntegrityError`` when another writer stored one of them since we looked."""
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.set_types(_TYPES)
        for each in batch:
            copy.write_row(_row(each, cluster=cluster, now=now))


def _row(each: Incoming, *, cluster: str, now: datetime) -> tuple[object, ...]:
    record, letter = each.record, each.letter
    failure = letter.failure
    return (
        each.id, cluster, record.topic, each.topic_id, record.partition, record.offset,
        record.timestamp_ms, record.key, record.value, wire.pack_headers(record.headers), record.headers_unreadable,
        letter.parse_error, failure.left_out, failure.dialect, failure.origin_topic, failure.origin_partition,
        failure.origin_offset, failure.origin_timestamp_ms, failure.group, failure.attempt,
        failure.error_type, failure.error_message, failure.error_stack, letter.cause,
        failure.first_failed_at, failure.failed_at, letter.trace_id, letter.message_id,
        letter.replay, letter.key_text, len(record.value or b""), now, State.OPEN.value,
        0, each.group_id,
    )  # fmt: skip
