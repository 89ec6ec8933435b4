"""Ends of logs, and what groups have committed."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from kafka.protocol.consumer import ListOffsetsRequest, OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest

from reliability.kafka import ports
from reliability.kafka.group_admin import verdicts
from reliability.kafka.group_admin.coordinators import Coordinators, chunked
from reliability.kafka.group_admin.places import Places
from reliability.kafka.group_admin.wire import Wire
from reliability.kernel.record import TopicPartition

PARTITIONS_AT_ONCE = 500
GROUPS_AT_ONCE = 50
"""Of one request for commits: an answer holds all partitions of all its groups."""

LATEST, EARLIEST = -1, -2  # Kafka's own marks in the place of a time
_LIST_OFFSETS_MAX = 5  # of its versions: those after it add nothing we need and cost twice as much to write
NOTHING = -1
_ANY_GENERATION, _NO_MEMBER = -1, ""
_COMMIT_MAX = 8  # of its versions: the last before the one that asks for an epoch

_Topic = ListOffsetsRequest.ListOffsetsTopic
_Fetched = dict[TopicPartition, int]
Outcome = dict[TopicPartition, ports.Problem | None]


def listed(
    wire: Wire, places: Places, partitions: Collection[TopicPartition], *, at: int, stable: bool, until_s: float
) -> dict[TopicPartition, int | ports.Problem]:
    """Ask the leaders for an offset of each partition; -1 where nothing is ``at`` that time or later."""

    def request(chunk: Sequence[TopicPartition]) -> ListOffsetsRequest:
        topics = [_Topic(name=name, partitions=_at(tuple(numbers), at)) for name, numbers in by_topic(chunk).items()]
        return ListOffsetsRequest(
            replica_id=-1, isolation_level=int(stable), topics=topics, min_version=2, max_version=_LIST_OFFSETS_MAX
        )

    read = _offset if at >= 0 else _offset_that_is
    return by_leader(wire, places, partitions, request=request, read=read, until_s=until_s)


def by_leader(
    wire: Wire,
    places: Places,
    partitions: Collection[TopicPartition],
    *,
    request: Callable[[Sequence[TopicPartition]], Any],
    read: Callable[[Any], Any],
    until_s: float,
) -> dict[TopicPartition, Any]:
    """Ask each leader for its partitions; those whose leader moved once more, after looking for it."""
    told: dict[TopicPartition, Any] = {}
    left: Collection[TopicPartition] = partitions
    for first in (True, False):
        try:
            led, problems = places.by_leader(left, until_s=until_s)
            chunks = [(node, chunk) for node, asked in led.items() for chunk in chunked(asked, PARTITIONS_AT_ONCE)]
            answers = wire.ask([(node, request(chunk)) for node, chunk in chunks], until_s=until_s)
        except ports.Unavailable:
            if first:
                raise
            break  # what the others told stays told; of those that moved the first answer
        told.update(problems)
        moved: list[TopicPartition] = []
        for (_, chunk), answer in zip(chunks, answers, strict=True):
            moved += _take(chunk, answer, read, told)
        if not (moved and first and places.renewed({partition.topic for partition in moved}, until_s=until_s)):
            break
        left = moved
    return told


def fetched(
    coordinators: Coordinators, groups: Collection[str], *, until_s: float
) -> dict[str, _Fetched | ports.Problem]:
    """Ask the coordinators for all commits of these groups."""
    group = OffsetFetchRequest.OffsetFetchRequestGroup
    return coordinators.ask(
        groups,
        request=lambda names: OffsetFetchRequest(
            groups=[group(group_id=name, topics=None) for name in names], min_version=8, max_version=8
        ),
        read=_commits,
        at_once=GROUPS_AT_ONCE,
        until_s=until_s,
    )


def committed(
    coordinators: Coordinators, group: str, offsets: Mapping[TopicPartition, int], *, note: str, until_s: float
) -> Outcome:
    """Commit from outside of the group; the coordinator takes that only while it has no members."""
    topic = OffsetCommitRequest.OffsetCommitRequestTopic
    place = topic.OffsetCommitRequestPartition
    taken = {partition: offset for partition, offset in offsets.items() if offset >= 0}

    def request(names: list[str]) -> OffsetCommitRequest:
        topics = [
            topic(
                name=name,
                partitions=[
                    place(
                        partition_index=number,
                        committed_offset=taken[TopicPartition(name, number)],
                        committed_leader_epoch=-1,
                        committed_metadata=note,
                    )
                    for number in numbers
                ],
            )
            for name, numbers in by_topic(taken).items()
        ]
        return OffsetCommitRequest(
            group_id=names[0],
            generation_id_or_member_epoch=_ANY_GENERATION,
            member_id=_NO_MEMBER,
            group_instance_id=None,
            retention_time_ms=-1,
            topics=topics,
            min_version=2,
            max_version=_COMMIT_MAX,
        )

    outcome = _order(coordinators, group, taken, request=request, until_s=until_s)
    return {partition: outcome.get(partition, _NO_OFFSET) for partition in offsets}


def deleted(
    coordinators: Coordinators, group: str, partitions: Collection[TopicPartition], *, until_s: float
) -> Outcome:
    """Delete commits. What is not there, be it the commit, the topic or the group, is gone."""
    topic = OffsetDeleteRequest.OffsetDeleteRequestTopic
    place = topic.OffsetDeleteRequestPartition

    def request(names: list[str]) -> OffsetDeleteRequest:
        topics = [
            topic(name=name, partitions=[place(partition_index=number) for number in numbers])
            for name, numbers in by_topic(partitions).items()
        ]
        return OffsetDeleteRequest(group_id=names[0], topics=topics)

    outcome = _order(coordinators, group, partitions, request=request, until_s=until_s)
    return {
        partition: None if problem is not None and problem.code == "missing" else problem
        for partition, problem in outcome.items()
    }


def by_topic(partitions: Iterable[TopicPartition]) -> dict[str, list[int]]:
    """Partition numbers by topic."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for topic, partition in partitions:
        numbers[topic].append(partition)
    return numbers


@functools.lru_cache(maxsize=4_096)
def _one_at(number: int, at: int) -> Any:
    """A partition's part of the request. Kept, since making it is half of the whole cost of asking."""
    return _Topic.ListOffsetsPartition(partition_index=number, current_leader_epoch=-1, timestamp=at)


def _at(numbers: tuple[int, ...], at: int) -> list[Any]:
    return [_one_at(number, at) for number in numbers]


def _offset(partition: Any) -> int:
    return int(partition.offset)


def _offset_that_is(partition: Any) -> int | ports.Problem:
    """Each log has a start and an end: a broker that names none does not know it yet."""
    return _offset(partition) if partition.offset >= 0 else _SILENT


def _take(
    chunk: Sequence[TopicPartition], answer: Any, read: Callable[[Any], Any], told: dict[TopicPartition, Any]
) -> list[TopicPartition]:
    """Put one broker's answer into ``told``; return the partitions to ask again."""
    if isinstance(answer, ports.Problem):
        told.update(dict.fromkeys(chunk, answer))
        return list(chunk)
    again = []
    for topic in answer.topics:
        name = topic.name
        for partition in topic.partitions:
            place = TopicPartition(name, partition.partition_index)
            code = partition.error_code
            if not code:
                told[place] = read(partition)
                continue
            told[place] = verdicts.problem(code, f"partition {place.partition} of topic {name}")
            if code in verdicts.LEADER_MOVED:
                again.append(place)
    for place in chunk:
        told.setdefault(place, _SILENT)
    return again


def _commits(answer: Any) -> Iterator[tuple[str, int, _Fetched]]:
    for group in answer.groups:
        offsets = {
            TopicPartition(topic.name, partition.partition_index): partition.committed_offset
            for topic in group.topics
            for partition in topic.partitions
            if partition.committed_offset != NOTHING and not partition.error_code
        }
        yield group.group_id, group.error_code, offsets


def _order(
    coordinators: Coordinators,
    group: str,
    partitions: Collection[TopicPartition],
    *,
    request: Callable[[list[str]], Any],
    until_s: float,
) -> Outcome:
    """Send one group's order in one piece, and tell how each partition fared."""
    if not partitions:
        return {}
    answers = coordinators.ask(
        [group],
        request=request,
        read=lambda answer: _outcomes(answer, group),
        at_once=1,
        until_s=until_s,
        order=True,
    )
    outcome = answers[group]
    if isinstance(outcome, ports.Problem):
        return dict.fromkeys(partitions, outcome)
    return {partition: outcome.get(partition, _SILENT) for partition in partitions}


def _outcomes(answer: Any, group: str) -> Iterator[tuple[str, int, Outcome]]:
    outcome: Outcome = {}
    whole = int(getattr(answer, "error_code", 0) or 0)
    for topic in answer.topics:
        for partition in topic.partitions:
            code = partition.error_code
            place = TopicPartition(topic.name, partition.partition_index)
            what = f"group {group}, partition {place.partition} of topic {place.topic}"
            outcome[place] = verdicts.problem(code, what) if code else None
            if code in verdicts.COORDINATOR_MOVED:
                whole = code  # all partitions of a group have the same coordinator
    yield group, whole, outcome


_SILENT = ports.Problem(code="unavailable", message="the broker did not mention the partition in its answer")
_NO_OFFSET = ports.Problem(code="refused", message="an offset below 0 is none; the broker would take it")
