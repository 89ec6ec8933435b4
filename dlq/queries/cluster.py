"""What the replay pages ask of Kafka, in seconds at most: an unreachable cluster is an answer, never a wait."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from typing import TypeVar

import structlog

from reliability.kafka import clusters, ports
from reliability.kernel.record import TopicPartition

log = structlog.get_logger(__name__)

ANSWER_S = 2.0
GROUPS_ASKED_MAX = 100
"""More consumer groups than this would take longer than an operator waits; then the readers are not known."""

GROUPS_ASKED_AT_ONCE = 8

_INACTIVE = frozenset({"dead"})
_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="dlq-cluster")

T = TypeVar("T")


def topics(*, wanted: Collection[str] = (), cluster: str = clusters.MAIN) -> dict[str, int] | None:
    """Return topic -> partition count; None when Kafka does not answer.

    The listing may be some seconds old; where it lacks a ``wanted`` topic, Kafka is asked anew.
    """
    return _within(lambda: _topics(wanted, cluster), "topics")


def _topics(wanted: Collection[str], cluster: str) -> dict[str, int]:
    admin = clusters.admin(cluster)
    found = admin.topics()
    missing = next((name for name in wanted if name not in found), None)
    if missing is None or admin.partition_count(missing) is None:
        return found
    return admin.topics()


def readers(names: Collection[str], *, cluster: str = clusters.MAIN) -> dict[str, set[str]] | None:
    """Return, for these topics, the consumer groups with committed offsets there; None when that cannot be told."""
    return _within(lambda: _readers(frozenset(names), cluster), "readers")


def _readers(names: frozenset[str], cluster: str) -> dict[str, set[str]] | None:
    admin = clusters.admin(cluster)
    groups = [group.name for group in admin.groups() if group.state not in _INACTIVE]
    if len(groups) > GROUPS_ASKED_MAX:
        return None
    places = [TopicPartition(name, at) for name in names for at in range(admin.partition_count(name) or 0)]
    found: dict[str, set[str]] = {name: set() for name in names}
    with ThreadPoolExecutor(GROUPS_ASKED_AT_ONCE, thread_name_prefix="dlq-readers") as pool:
        answers = pool.map(lambda group: admin.committed(group, places), groups)
        for group, offsets in zip(groups, answers, strict=True):
            for (topic, _), offset in offsets.items():
                if offset is not None:
                    found[topic].add(group)
    return found


def _within(ask: Callable[[], T], what: str) -> T | None:
    future: Future[T] = _threads.submit(ask)
    try:
        return future.result(timeout=ANSWER_S)
    except (ports.Unavailable, ports.Unsupported, TookTooLong, TimeoutError) as error:
        future.cancel()
        log.warning("cluster_question_unanswered", what=what, error=str(error) or type(error).__name__)
        return None
