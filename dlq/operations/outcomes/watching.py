"""Watching what was sent: what the consumer group did with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db import transaction
from django.db.models import Min, QuerySet

from dlq.domain import outcome
from dlq.domain.item import ItemState
from dlq.domain.outcome import Evidence, Judgement, Round, Rules, Sent
from dlq.models import ReplayItem
from dlq.operations import items, policy
from dlq.operations.items import Change
from dlq.operations.outcomes import evidence, rounds
from dlq.operations.outcomes.alone import alone
from dlq.operations.outcomes.receipts import RECEIPT
from reliability.kafka import clusters, group_names, ports
from reliability.kernel.record import TopicPartition

log = structlog.get_logger(__name__)

PAGE_ITEMS = 2_000
"""Items judged together: bounds one transaction and the memory of one look."""

UNSEEN = "the look for its outcome failed and is tried again; the worker's log says why"

_FIELDS = (
    *("id", "replay_id", "letter_id", "state", "consumer_group", "message_id", "attempt", "sent_topic"),
    *("sent_partition", "sent_offset", "queued_at", "sent_at", "watched_from", "went_by_at", "window_from"),
)


@dataclass(slots=True)
class View:
    """What one look found out about a consumer group in Kafka; ``known`` is False when Kafka did not answer."""

    known: bool = False
    committed: Mapping[TopicPartition, int | None] = field(default_factory=dict)
    round: Round | None = None
    window_s: float = outcome.WINDOW_MIN_S


def settle_sent(*, now: datetime) -> int:
    """Judge every sent item once; return how many reached another state. Without Kafka only proof and failure count.

    A group whose look fails is passed over, and its items say so until one succeeds.
    """
    settled = 0
    for group in _groups():
        sent = ReplayItem.objects.filter(state=ItemState.SENT, consumer_group=group)
        moved = alone(f"group {group}", partial(_settle_group, sent, group, now=now))
        if moved is None:
            sent.exclude(proof=UNSEEN).update(proof=UNSEEN)
        else:
            sent.filter(proof=UNSEEN).update(proof=RECEIPT)
            settled += moved
    return settled


def _settle_group(sent: QuerySet[ReplayItem], group: str, *, now: datetime) -> int:
    view = View() if group_names.trouble(group) else _look(group, now=now)
    return sum(judge(page, view, group, now=now) for page in pages(sent))


def judge(page: Sequence[ReplayItem], view: View, group: str, *, now: datetime) -> int:
    """Judge items of one consumer group and write what came out; return how many reached another state."""
    letters = evidence.new_letters([row.pk for row in page])
    notes = evidence.inbox_notes(page)
    rules = Rules(
        window_s=view.window_s,
        deadline_s=policy.outcome_deadline_s(),
        commits_after_processing=policy.consumer_group(group).commits_after_processing,
    )
    judged: dict[int, list[tuple[ReplayItem, Judgement]]] = {}
    for row in page:
        seen = Evidence(
            committed=view.committed.get(_place(row)),
            committed_known=view.known and _place(row) in view.committed,
            inbox=notes.get(row.pk),
            new_letter=row.pk in letters,
            round=view.round,
        )
        judged.setdefault(row.replay_id, []).append((row, outcome.judge(_sent(row), seen, rules, now=now)))
    return sum(_apply(replay_id, each, letters, now=now) for replay_id, each in sorted(judged.items()))


def _apply(
    replay_id: int, judged: Sequence[tuple[ReplayItem, Judgement]], letters: Mapping[int, int], *, now: datetime
) -> int:
    marked = []
    for row, found in judged:
        if (found.went_by_at, found.window_from) != (row.went_by_at, row.window_from):
            row.went_by_at, row.window_from = found.went_by_at, found.window_from
            marked.append(row)
    changes = [
        Change(item_id=row.pk, event=found.event, proof=found.proof, new_letter_id=letters.get(row.pk))
        for row, found in judged
        if found.event is not None
    ]
    if not marked and not changes:
        return 0
    with transaction.atomic():
        run = items.locked(replay_id)
        if run is None:
            return 0
        ReplayItem.objects.bulk_update(marked, ["went_by_at", "window_from"], batch_size=PAGE_ITEMS)
        return len(items.apply(run, changes, now=now))


def _groups() -> list[str]:
    sent = ReplayItem.objects.filter(state=ItemState.SENT)
    return sorted(set(sent.order_by().values_list("consumer_group", flat=True).distinct()))


def _look(group: str, *, now: datetime) -> View:
    """Ask Kafka about a group, in this order: committed offsets, then the ends of its dead-letter topics."""
    sent = ReplayItem.objects.filter(state=ItemState.SENT, consumer_group=group)
    lying = sent.filter(sent_partition__isnull=False).order_by().values_list("sent_topic", "sent_partition")
    places = {TopicPartition(topic, partition) for topic, partition in lying.distinct() if partition is not None}
    sent_topics = {place.topic for place in places}
    letter_topics = set(sent.order_by().values_list("letter__topic", flat=True).distinct())
    topics = rounds.dead_letter_topics(group, sent_topics=sent_topics, letter_topics=letter_topics)
    cluster = clusters.MAIN
    admin = clusters.admin(cluster)
    try:
        view = View(known=True, committed=admin.committed(group, places))
        names = admin.topics().keys()
        declared = [outcome.retry_total_s(names, topic=topic, group=group) for topic in sent_topics]
        view.window_s = outcome.window_s(
            declared_retry_s=max([*declared, policy.consumer_group(group).retry_total_s], default=0.0)
        )
        wanted = _needs_round(sent, view, now=now)
        view.round = rounds.advance(group, admin=admin, topics=topics, cluster=cluster, now=now, wanted=wanted)
        return view
    except (ports.Unavailable, ports.Unsupported) as error:
        log.warning("outcome_group_unseen", group=group, reason=str(error))
        return View()


def _needs_round(sent: QuerySet[ReplayItem], view: View, *, now: datetime) -> bool:
    """Whether a round asked now would tell something about an item: its window may begin, or has ended."""
    if sent.filter(window_from__lte=now - timedelta(seconds=view.window_s)).exists():
        return True
    oldest = sent.filter(window_from__isnull=True).order_by().values_list("sent_topic", "sent_partition")
    return any(
        (view.committed.get(TopicPartition(topic, partition)) or 0) > offset
        for topic, partition, offset in oldest.annotate(oldest=Min("sent_offset"))
    )


def _place(row: ReplayItem) -> TopicPartition:
    return TopicPartition(row.sent_topic, -1 if row.sent_partition is None else row.sent_partition)


def _sent(row: ReplayItem) -> Sent:
    """What was lost on its way has neither place nor time of its own: only letters and inbox rows tell of it."""
    since = row.watched_from or row.sent_at or row.queued_at
    if since is None:
        raise ValueError(f"item {row.pk} was never queued")
    return Sent(
        state=ItemState(row.state),
        group=row.consumer_group,
        attempt=row.attempt,
        offset=-1 if row.sent_offset is None else row.sent_offset,
        sent_at=since,
        went_by_at=row.went_by_at,
        window_from=row.window_from,
    )


def pages(rows: QuerySet[ReplayItem]) -> Iterator[list[ReplayItem]]:
    """Yield rows in pages by id: what is judged meanwhile leaves the set without disturbing the rest."""
    last = 0
    while page := list(rows.filter(pk__gt=last).order_by("pk").only(*_FIELDS)[:PAGE_ITEMS]):
        yield page
        last = page[-1].pk
