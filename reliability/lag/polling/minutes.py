"""Folds looks into the minutes of the history, and hands out the minutes that are over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reliability.kernel.record import TopicPartition
from reliability.lag.domain import history
from reliability.lag.domain.history import Bucket
from reliability.lag.domain.summary import PartitionRow, TopicSum
from reliability.lag.domain.values import Word
from reliability.lag.polling.remembering import Memory, Remembered


def note(
    group: Remembered, rows: Sequence[PartitionRow], per_topic: dict[str, TopicSum], *, at_s: float
) -> list[tuple[str, Bucket]]:
    """Fold a look at a group into its minutes; return (topic, minute) for those that it ended."""
    moves: dict[str, tuple[int, int]] = {}
    for row in rows:
        step = group.window.last_step(TopicPartition(row.topic, row.partition))
        if step is not None:
            consumed, produced = history.moved(*step)
            before = moves.get(row.topic, (0, 0))
            moves[row.topic] = (before[0] + consumed, before[1] + produced)
    ended = []
    for topic, total in per_topic.items():
        consumed, produced = moves.get(topic, (0, 0))
        look = history.of_look(
            at_s=at_s,
            lag=total.lag,
            lag_s=total.lag_s,
            consumed=consumed,
            produced=produced,
            word=Word(total.word),
            known=total.partitions - total.untold,
            partitions=total.partitions,
        )
        known = group.buckets.get(topic)
        if known is not None and known.at_s == look.at_s:
            look = history.merge(known, look)
        elif known is not None:
            ended.append((topic, known))
        group.buckets[topic] = look
    return ended


def unfinished(memory: Memory) -> Iterator[tuple[str, str, Bucket]]:
    """Take (group, topic, minute) of all minutes that are not over, for a poller that ends."""
    for name, group in memory.groups.items():
        for topic, bucket in group.buckets.items():
            yield name, topic, bucket
        group.buckets = {}
