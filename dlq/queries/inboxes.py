"""Which consumer groups have an inbox that we can read: only these prove what became of a replay."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count

from dlq.models import Letter
from outbox.queries import inbox_states
from reliability.kafka import group_names

GROUPS_MAX = 50
SAMPLE = 20
"""Letters of a group whose inbox rows are looked for: a consumer of ours notes every message that it gives up."""


def unreadable(letter_ids: Sequence[int]) -> dict[str, int]:
    """Return the consumer groups without an inbox of ours, and how many of these letters each of them handles.

    Letters that name no group, or by a name that none can have, are left out: nobody can tell whose they are.
    """
    letters = Letter.objects.filter(pk__in=letter_ids).exclude(consumer_group="").order_by()
    counted = letters.values("consumer_group").annotate(letters=Count("pk")).order_by("-letters", "consumer_group")
    groups = dict(counted.values_list("consumer_group", "letters")[:GROUPS_MAX])
    named = {group: count for group, count in groups.items() if not group_names.trouble(group)}
    return {group: count for group, count in named.items() if not _is_readable(group, letter_ids)}


def _is_readable(group: str, letter_ids: Sequence[int]) -> bool:
    letters = Letter.objects.filter(pk__in=letter_ids, consumer_group=group)
    some = letters.values_list("message_id", "topic", "partition", "offset")[:SAMPLE]
    # As the run itself names a message that brought no id along.
    return bool(inbox_states(group, {name or f"{topic}/{part}/{offset}" for name, topic, part, offset in some}))
