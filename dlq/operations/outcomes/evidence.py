"""Evidence in PostgreSQL: new letters of sent records, and rows of the consumers' inboxes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from dlq.domain.outcome import InboxNote
from dlq.models import ReplayItem
from outbox.queries import inbox_states

# A letter at the place of the sent record, or with its replay header where a dialect keeps headers but no origin. Its
# id was given out after the item was queued: so it is no letter of the topic's earlier life (recreated: the same
# offsets again). Nor is it one of another group that read the record too, or of another replay.
#
# Anyone who may write into a dead-letter topic can write all of this: it is the word of whoever may write there, and
# no more (see DECISIONS.md). What costs a forger nothing, numbers to be guessed, is not enough: the letter names the
# group that gave it up, as every consumer of ours, of Spring and of Connect does, or it holds the same bytes.
_NEW_LETTERS = """
SELECT DISTINCT ON (item.id) item.id, letter.id
FROM dlq_replayitem AS item JOIN dlq_letter AS replayed ON replayed.id = item.letter_id
    JOIN dlq_letter AS letter ON
    letter.id > item.letters_before AND letter.duplicate_of_id IS NULL
    AND (letter.consumer_group = item.consumer_group OR letter.consumer_group = '' OR item.consumer_group = '')
    AND {same}
WHERE item.id = ANY(%(ids)s)
ORDER BY item.id, letter.id
"""
_SAME_BYTES = "letter.key IS NOT DISTINCT FROM replayed.key AND letter.value IS NOT DISTINCT FROM replayed.value"
_BY_COORDINATES = _NEW_LETTERS.format(
    same="letter.origin_topic = item.sent_topic AND letter.origin_partition = item.sent_partition"
    " AND letter.origin_offset = item.sent_offset"
    " AND letter.replay IN ('', item.replay_id::text || '/' || item.id::text)"
    " AND ((letter.consumer_group = item.consumer_group AND letter.consumer_group <> '')"
    f" OR (letter.left_out = '' AND {_SAME_BYTES}))"
)
# Anyone may write that header into a dead-letter topic, and its numbers are easily guessed: alone it proves nothing.
# The letter must be of the same message, with the same bytes, and of the topic it was sent to or a retry topic of it.
_BY_HEADER = _NEW_LETTERS.format(
    same="letter.replay <> '' AND letter.replay = item.replay_id::text || '/' || item.id::text"
    " AND letter.message_id = item.message_id"
    f" AND {_SAME_BYTES}"
    " AND (letter.origin_topic = '' OR starts_with(letter.origin_topic, item.sent_topic))"
)


def new_letters(item_ids: Sequence[int]) -> dict[int, int]:
    """Return item -> letter for the items whose record died again; by coordinates, else by the replay header."""
    found: dict[int, int] = {}
    values: dict[str, Any] = {"ids": list(item_ids)}
    with connection.cursor() as cursor:
        for statement in (_BY_HEADER, _BY_COORDINATES):
            cursor.execute(statement, values)
            found.update(cursor.fetchall())
    return found


def inbox_notes(rows: Iterable[ReplayItem]) -> dict[int, InboxNote]:
    """Return item -> what its consumer's inbox says, for the consumers whose inbox we can read."""
    by_group: dict[str, list[ReplayItem]] = {}
    for row in rows:
        if row.consumer_group:
            by_group.setdefault(row.consumer_group, []).append(row)
    notes: dict[int, InboxNote] = {}
    for group, of_group in by_group.items():
        states = inbox_states(group, {row.message_id for row in of_group})
        for row in of_group:
            found = states.get(row.message_id)
            if found is not None:
                notes[row.pk] = InboxNote(state=found.state, attempt=found.attempt, at=found.at)
    return notes
