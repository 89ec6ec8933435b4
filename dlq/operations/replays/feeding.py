"""Feeding: a run's next items go into the outbox, in the same transaction as their state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce, Length

import outbox
from dlq.domain import plan as plans
from dlq.domain import ramp, strip
from dlq.domain import run as runs
from dlq.domain.item import ItemEvent, ItemState
from dlq.domain.ramp import Pace, Traffic
from dlq.domain.run import RunEvent, RunState
from dlq.models import Replay, ReplayItem
from dlq.operations import items, policy
from dlq.operations.items import Change
from dlq.queries import shapes
from outbox.domain.event import Event, WrongEvent
from outbox.queries import held_back, inbox_states
from reliability.kafka.incoming import ATTEMPT_MAX
from reliability.kernel import failpoint, wire
from reliability.kernel.telemetry import tracing

BYTES_PER_FEED_MAX = 16 * 1024 * 1024
SPENT = f"its consumer has counted {ATTEMPT_MAX:,} attempts and would pass over another one"
"""Letters may have 10 MB each: what one feeding holds in memory is bounded by size as well as by number."""


def feed(*, replay_id: int, now: datetime) -> int:
    """Append what the run may send now; return how many items. 0 for a run that is not running.

    Stops the run when too much failed again. Safe to call from anywhere at any time: the run's row lock makes two
    callers take turns, and a caller that dies leaves either all of it or nothing.
    """
    with transaction.atomic():
        run = items.locked(replay_id)
        if run is None or run.state != RunState.RUNNING:
            return 0
        progress = items.progress(run)
        reason = runs.stop_reason(
            progress,
            failed_limit=run.failed_limit,
            failures_before=run.failures_before,
            judged_before=run.judged_before,
        )
        if reason is not None:
            _stop(run, reason, now=now)
            return 0
        count = _allowed(run, progress, now=now)
        batch = _next_items(run, count)
        held = _held_back(run, batch)
        if held:
            _stop(run, held, now=now)
            return 0
        if batch:
            _append(run, batch, now=now)
        elif run.ramp_note:
            items.tell(run)
        run.save()
        return len(batch)


def _held_back(run: Replay, batch: Sequence[ReplayItem]) -> str:
    """Why these letters would only wait at their consumer, such as an open breaker; "" when they would not."""
    if run.failed_limit is None:  # whoever approved it wants it never to stop by itself
        return ""
    for group in sorted({item.letter.consumer_group for item in batch if item.letter.consumer_group}):
        reason = held_back(group)
        if reason:
            return f"the consumer {group} takes nothing now, held back by {reason}"
    return ""


def _stop(run: Replay, reason: str, *, now: datetime) -> None:
    run.state = runs.moved(RunState(run.state), RunEvent.STOP)
    run.stop_reason, run.stopped_at = reason, now
    run.stops = [*run.stops, {"at": now.isoformat(), "why": reason}]
    run.ramp_note = ""
    run.save()
    items.tell(run)


def _allowed(run: Replay, progress: runs.Progress, *, now: datetime) -> int:
    allowance = ramp.allowance(
        Pace(step=run.ramp_step, base=run.ramp_base, credit=run.credit, at=run.paced_at),
        Traffic(
            fed=progress.fed,
            unsent=progress.of(ItemState.QUEUED),
            unjudged=progress.of(ItemState.QUEUED) + progress.of(ItemState.SENT),
            last_sent_at=run.last_sent_at,
        ),
        rate=run.rate,
        patience_s=policy.canary_patience_s(),
        now=now,
    )
    run.ramp_step, run.credit, run.paced_at = allowance.pace.step, allowance.pace.credit, allowance.pace.at
    run.ramp_note = allowance.note
    return allowance.count


def _next_items(run: Replay, count: int) -> list[ReplayItem]:
    """The next planned items in order, with their letters; fewer than ``count`` when they are large."""
    if count <= 0:
        return []
    planned: QuerySet[ReplayItem] = ReplayItem.objects.filter(replay=run, state=ItemState.PLANNED).order_by("position")
    sizes = planned.values_list("pk", Coalesce(Length("letter__value"), 0) + Length("letter__headers"))[:count]
    chosen: list[int] = []
    total = 0
    for pk, size in sizes:
        total += size
        if chosen and total > BYTES_PER_FEED_MAX:
            break
        chosen.append(pk)
    return list(ReplayItem.objects.filter(pk__in=chosen).order_by("position").select_related("letter"))


def _append(run: Replay, batch: Sequence[ReplayItem], *, now: datetime) -> None:
    spent = _raise_attempts(batch)
    withdrawn = [Change(item_id=item.pk, event=ItemEvent.WITHDRAWN, error=SPENT) for item in batch if item.pk in spent]
    batch = [item for item in batch if item.pk not in spent]
    partitions = shapes.keeper(sorted({item.letter.origin_topic for item in batch}))
    target = plans.Target(kind=plans.Kind(run.target["kind"]), topic=run.target.get("topic", ""))
    with tracing.span("dlq.replay.feed", attributes={"replay": run.pk, "items": len(batch), tracing.ALWAYS: True}):
        events = [_event(item, run, target, partitions) for item in batch]
        refusals = _append_each(events)
    failpoint.reach("dlq.feed.after_append")
    changes = [
        Change(item_id=item.pk, event=ItemEvent.WITHDRAWN, error=str(refusal))
        if refusal is not None
        else Change(item_id=item.pk, event=ItemEvent.APPENDED)
        for item, refusal in zip(batch, refusals, strict=True)
    ]
    items.apply(run, [*changes, *withdrawn], now=now)


def _event(item: ReplayItem, run: Replay, target: plans.Target, partitions: shapes.Keeper) -> Event:
    """The letter's exact bytes, its headers without the failure's, and the lineage."""
    letter = item.letter
    own = () if letter.headers_unreadable else wire.unpack_headers(letter.headers)
    group = item.consumer_group if target.kind is plans.Kind.GROUP else ""
    lineage = strip.lineage(
        message_id=item.message_id, attempt=item.attempt, run=run.pk, item=item.pk, target_group=group
    )
    to_origin = target.kind is not plans.Kind.TOPIC
    return Event(
        topic=target.topic_of(letter.origin_topic),
        key=None if letter.key is None else bytes(letter.key),
        value=None if letter.value is None else bytes(letter.value),
        headers=(*strip.stripped(own, dialect=letter.dialect), *lineage),
        raw=True,
        receipt=True,
        partition=letter.origin_partition if to_origin and partitions.keeps(letter) else None,
        timestamp_ms=letter.timestamp_ms if letter.origin_timestamp_ms is None else letter.origin_timestamp_ms,
        event_id=item.event_id,
    )


def _append_each(events: Sequence[Event]) -> list[WrongEvent | None]:
    """Append in order; an event that the outbox can never take is left out and its refusal returned in its place."""
    try:
        outbox.append_many(events)
    except WrongEvent:
        return [_append_one(event) for event in events]
    return [None] * len(events)


def _append_one(event: Event) -> WrongEvent | None:
    try:
        outbox.append_many([event])
    except WrongEvent as refusal:
        return refusal
    return None


def _raise_attempts(batch: Sequence[ReplayItem]) -> set[int]:
    """Count on from what the consumer's inbox has seen: it lets a message in again only under a higher attempt.

    Returns the items for which there is none.
    """
    by_group: dict[str, list[ReplayItem]] = {}
    for item in batch:
        if item.consumer_group:
            by_group.setdefault(item.consumer_group, []).append(item)
    raised: list[ReplayItem] = []
    spent: set[int] = set()
    for group, of_group in by_group.items():
        seen = inbox_states(group, [item.message_id for item in of_group])
        for item in of_group:
            row = seen.get(item.message_id)
            if row is not None and row.attempt >= ATTEMPT_MAX:
                spent.add(item.pk)
            elif row is not None and row.attempt >= item.attempt:
                item.attempt = row.attempt + 1
                raised.append(item)
    ReplayItem.objects.bulk_update(raised, ["attempt"])
    return spent
