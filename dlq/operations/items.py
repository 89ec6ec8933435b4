"""The one writer of item states: it keeps the items, the counts of their run, and their letters in step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from dlq.domain import item as items
from dlq.domain import run as runs
from dlq.domain.item import ItemEvent, ItemState
from dlq.domain.run import Progress, RunState
from dlq.models import Letter, Replay, ReplayItem
from dlq.models.letters import State
from dlq.operations import policy, standing
from outbox.queries import Receipt
from reliability import live
from reliability.console import registry
from reliability.kernel.telemetry import metrics, names

REFUSED = "refused"  # count of cancelled items that Kafka or the outbox refused
GROUPLESS = "groupless"  # count of sent items whose consumer group is not known

_ERROR_CHARS_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that happened to an item. ``proof`` is why it is believed; ``error`` why it was refused."""

    item_id: int
    event: ItemEvent
    proof: str = ""
    error: str = ""
    receipt: Receipt | None = None
    new_letter_id: int | None = None


def locked(replay_id: int) -> Replay | None:
    """Return the run with its row locked: whoever holds it may change its items."""
    return Replay.objects.select_for_update().filter(pk=replay_id).first()


def progress(run: Replay) -> Progress:
    """Return the run's counts as a value."""
    counts: dict[str, int] = run.counts
    states = {state: counts.get(state, 0) for state in ItemState}
    return Progress(states=states, refused=counts.get(REFUSED, 0), groupless=counts.get(GROUPLESS, 0))


def apply(run: Replay, changes: Sequence[Change], *, now: datetime) -> list[ItemState]:
    """Write ``changes`` of items of the locked ``run`` and everything that follows; return the states reached.

    Changes that are not possible any more (the item moved on meanwhile) are left out. Ends a run that has nothing left.
    """
    rows = {
        row.pk: row
        for row in ReplayItem.objects.filter(replay=run, pk__in=[change.item_id for change in changes]).only(
            "id", "replay_id", "letter_id", "state", "consumer_group"
        )
    }
    done: list[tuple[Change, ReplayItem, ItemState]] = []
    for change in changes:
        row = rows.get(change.item_id)
        if row is None or (ItemState(row.state), change.event) not in items.TRANSITIONS:
            continue
        done.append((change, row, items.moved(ItemState(row.state), change.event)))
    _write(done, now=now)
    _count(run, done)
    _stand(done, now=now)
    _succeed(done, now=now)
    _tell_others(run, done)
    end_if_due(run, now=now)
    run.save()
    tell(run)
    return [state for _, _, state in done]


def withdraw_planned(run: Replay, *, now: datetime) -> int:
    """Cancel every item of the locked run that is still planned; return how many."""
    planned = ReplayItem.objects.filter(replay=run, state=ItemState.PLANNED).values_list("pk", flat=True)
    changes = [Change(item_id=pk, event=ItemEvent.WITHDRAWN) for pk in planned]
    return len(apply(run, changes, now=now)) if changes else 0


def end_if_due(run: Replay, *, now: datetime) -> None:
    """Put the locked run into the state it reaches by itself, if any. The caller saves it."""
    event = runs.due(RunState(run.state), progress(run))
    if event is None:
        return
    run.state = runs.moved(RunState(run.state), event)
    run.ramp_note = ""
    run.finished_at = now


def tell(run: Replay) -> None:
    """Let pages know, after the commit, that the run changed."""
    live.changed(f"replay:{run.pk}")
    live.changed("replays")


def wake(run: Replay, *, by: str) -> None:
    """Let pages and the feeding know, after the commit, that somebody did something with the run."""
    tell(run)
    registry.touched("dlq.replay", [run.pk], by=by)


_Done = Sequence[tuple[Change, ReplayItem, ItemState]]

_UPDATE = """
UPDATE dlq_replayitem AS item SET
    state = new.state,
    proof = new.proof,
    error = CASE WHEN new.error <> '' THEN new.error ELSE item.error END,
    refused = item.refused OR (new.state = 'cancelled' AND new.error <> ''),
    queued_at = CASE WHEN new.state = 'queued' THEN %(now)s::timestamptz ELSE item.queued_at END,
    letters_before = CASE WHEN new.state = 'queued' THEN (SELECT last_value FROM dlq_letter_id_seq)
                          ELSE item.letters_before END,
    sent_topic = COALESCE(new.topic, item.sent_topic),
    sent_partition = COALESCE(new.partition, item.sent_partition),
    sent_offset = COALESCE(new."offset", item.sent_offset),
    sent_sha256 = COALESCE(new.sha256, item.sent_sha256),
    sent_at = COALESCE(new.at, item.sent_at),
    passed_at = CASE WHEN new.state = 'passed' THEN %(now)s::timestamptz ELSE item.passed_at END,
    settled_at = CASE WHEN new.state NOT IN ('planned', 'queued', 'sent') THEN %(now)s::timestamptz END,
    new_letter_id = COALESCE(new.letter, item.new_letter_id)
FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(proofs)s::text[], %(errors)s::text[], %(topics)s::text[],
            %(partitions)s::int[], %(offsets)s::bigint[], %(sha256s)s::bytea[], %(ats)s::timestamptz[],
            %(letters)s::bigint[])
     AS new (id, state, proof, error, topic, partition, "offset", sha256, at, letter)
WHERE item.id = new.id
"""


def _write(done: _Done, *, now: datetime) -> None:
    if not done:
        return
    receipts = [change.receipt if state is ItemState.SENT else None for change, _, state in done]
    columns: dict[str, list[Any]] = {
        "ids": [row.pk for _, row, _ in done],
        "states": [str(state) for _, _, state in done],
        "proofs": [change.proof for change, _, _ in done],
        "errors": [change.error[:_ERROR_CHARS_MAX] for change, _, _ in done],
        "topics": [receipt and receipt.topic for receipt in receipts],
        "partitions": [receipt and receipt.partition for receipt in receipts],
        "offsets": [receipt and receipt.offset for receipt in receipts],
        "sha256s": [receipt and receipt.sha256 for receipt in receipts],
        "ats": [receipt and receipt.at for receipt in receipts],
        "letters": [change.new_letter_id for change, _, _ in done],
    }
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, {"now": now, **columns})


def _count(run: Replay, done: _Done) -> None:
    counts: dict[str, int] = dict(run.counts)

    def add(name: str, step: int) -> None:
        counts[name] = counts.get(name, 0) + step

    for change, row, state in done:
        add(row.state, -1)
        add(str(state), 1)
        add(REFUSED, state is ItemState.CANCELLED and bool(change.error))
        if not row.consumer_group:
            add(GROUPLESS, (state is ItemState.SENT) - (row.state == ItemState.SENT))
        if state is ItemState.SENT and change.receipt is not None:
            run.last_sent_at = max(change.receipt.at, run.last_sent_at or change.receipt.at)
        metrics.inc(names.REPLAY_ITEMS, state=str(state))
    run.counts = counts


def _stand(done: _Done, *, now: datetime) -> None:
    """Move the letters. A letter that another run has taken meanwhile, or that was discarded, keeps its state."""
    wanted: dict[State, list[int]] = {}
    for change, row, state in done:
        to = State(items.letter_state(state, has_new_letter=change.new_letter_id is not None))
        if to is not State.REPLAYING:
            wanted.setdefault(to, []).append(row.letter_id)
    ids = [letter_id for each in wanted.values() for letter_id in each]
    unsettled = [str(state) for state in items.UNSETTLED]
    taken = set(ReplayItem.objects.filter(letter_id__in=ids, state__in=unsettled).values_list("letter_id", flat=True))
    for to, letter_ids in wanted.items():
        free = [letter_id for letter_id in letter_ids if letter_id not in taken]
        standing.stand(free, to=to, now=now, sources=(State.REPLAYING, State.OPEN, State.RESOLVED, State.QUARANTINED))


def _succeed(done: _Done, *, now: datetime) -> None:
    """Count the failure on what carries it on: the new letter, else the old one."""
    failed = [(change, row) for change, row, state in done if state is ItemState.FAILED_AGAIN]
    _inherit({row.letter_id: change.new_letter_id or row.letter_id for change, row in failed}, 1, now=now)


def _tell_others(run: Replay, done: _Done) -> None:
    """Say which records were worked off at last, by topic and key: whoever compares what came of them looks anew."""
    through = [row.letter_id for _, row, state in done if state in (ItemState.PASSED, ItemState.CONFIRMED)]
    if not through:
        return
    letters = Letter.objects.filter(pk__in=through, key__isnull=False).values_list("origin_topic", "key")
    named = {f"{topic}/{bytes(key).decode(errors='replace')}" for topic, key in letters if key is not None}
    registry.touched("record", sorted(named), by=f"replay:{run.pk}")


def hand_over(heirs: Mapping[int, int], *, now: datetime) -> None:
    """Let each new letter take over the count of failed replays of the old one (old letter -> new letter)."""
    _inherit(heirs, 0, now=now)


def _inherit(heirs: Mapping[int, int], more: int, *, now: datetime) -> None:
    """Give each heir the count of its predecessor and ``more``; quarantine it when that is too many."""
    if not heirs:
        return
    before = dict(Letter.objects.filter(pk__in=heirs).values_list("pk", "replay_count"))
    by_count: dict[int, list[int]] = {}
    for old, heir in heirs.items():
        by_count.setdefault(before.get(old, 0) + more, []).append(heir)
    for replay_count, letter_ids in sorted(by_count.items()):
        Letter.objects.filter(pk__in=letter_ids).update(replay_count=replay_count)
        if replay_count >= policy.quarantine_after():
            standing.stand(letter_ids, to=State.QUARANTINED, now=now, sources=(State.OPEN,))
