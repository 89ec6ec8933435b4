"""Groups as the cluster lists them, and their members."""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Iterator
from typing import Any

from kafka.protocol.admin import DescribeGroupsRequest, ListGroupsRequest

from reliability.kafka import ports
from reliability.kafka.group_admin import verdicts
from reliability.kafka.group_admin.coordinators import Coordinators
from reliability.kafka.group_admin.messages import ConsumerGroupDescribeRequest
from reliability.kafka.group_admin.wire import Wire, metadata_request
from reliability.kernel import clock
from reliability.kernel.record import TopicPartition

DESCRIBE_AT_ONCE = 100
LIST_TRIES = 4
_LIST_PAUSE_S = 0.2
_PROTOCOLS: dict[str, ports.GroupProtocol] = {
    "classic": "classic",
    "consumer": "consumer",
    "share": "share",
    "streams": "streams",
    "": "classic",  # a broker that has only one protocol does not name it
}
_OF_CONSUMERS = "consumer"
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")

Description = ports.GroupDescription | ports.Problem


def listing(wire: Wire, *, until_s: float, time: clock.Clock) -> list[ports.GroupListing]:
    """Ask each broker which groups it coordinates.

    A broker that does not say is asked again and then makes the whole question fail: a list without its groups would
    look as if they had been deleted.
    """
    problem = ports.Problem(code="unavailable", message="no broker was asked")
    for attempt in range(LIST_TRIES):
        if attempt:
            time.sleep(_LIST_PAUSE_S)
        wire.learn(wire.ask_any(metadata_request([]), until_s=until_s))
        answers = wire.ask([(node, ListGroupsRequest(max_version=5)) for node in wire.brokers()], until_s=until_s)
        problems = [_refusal(answer) for answer in answers]
        if answers and not any(problems):
            found = [group for answer in answers for group in answer.groups]
            return [_listed(group) for group in sorted(found, key=lambda group: str(group.group_id))]
        problem = next((each for each in problems if each is not None), problem)
        if time.monotonic() >= until_s:
            break
    raise ports.Unavailable(f"list of groups: {problem.message}")


def describe(
    coordinators: Coordinators, groups: Collection[ports.GroupListing], *, until_s: float
) -> dict[str, Description]:
    """Ask the coordinators for the members of these groups."""
    told: dict[str, Description] = {}
    classic = [group.name for group in groups if group.protocol in ("classic", "unknown")]
    modern = [group.name for group in groups if group.protocol == "consumer"]
    for group in groups:
        if group.protocol in ("share", "streams"):
            message = f"group {group.name}: members of {group.protocol} groups are not asked for"
            told[group.name] = ports.Problem(code="unsupported", message=message)
    if classic:
        told |= coordinators.ask(
            classic,
            request=lambda names: DescribeGroupsRequest(groups=names, max_version=6),
            read=lambda answer: _classic(answer, coordinators),
            at_once=DESCRIBE_AT_ONCE,
            until_s=until_s,
        )
    if modern:
        told |= _described_modern(coordinators, modern, until_s=until_s)
    return told


def _described_modern(coordinators: Coordinators, names: list[str], *, until_s: float) -> dict[str, Description]:
    try:
        return coordinators.ask(
            names,
            request=lambda chunk: ConsumerGroupDescribeRequest(group_ids=chunk, include_authorized_operations=False),
            read=lambda answer: _modern(answer, coordinators),
            at_once=DESCRIBE_AT_ONCE,
            until_s=until_s,
        )
    except ports.Unsupported as unsupported:  # some brokers of the cluster are older than others
        return dict.fromkeys(names, ports.Problem(code="unsupported", message=str(unsupported)))


def _refusal(answer: Any) -> ports.Problem | None:
    if isinstance(answer, ports.Problem):
        return answer
    return verdicts.problem(answer.error_code, "list of groups") if answer.error_code else None


def _listed(group: Any) -> ports.GroupListing:
    return ports.GroupListing(
        name=group.group_id,
        state=_state(group.group_state),
        protocol=_PROTOCOLS.get((group.group_type or "").lower(), "unknown"),
        type=group.protocol_type or "",
    )


def _state(word: str | None) -> str:
    """Kafka's PreparingRebalance in our spelling."""
    return _CAPITAL.sub("_", word).lower() if word else "unknown"


def _classic(answer: Any, coordinators: Coordinators) -> Iterator[tuple[str, int, Description]]:
    for group in answer.groups:
        yield group.group_id, group.error_code, _classic_description(group, coordinators)


def _classic_description(group: Any, coordinators: Coordinators) -> Description:
    state = _state(group.group_state)
    if state == "dead":  # what brokers before 4.0 say of a group they never heard of
        return ports.Problem(code="missing", message=f"group {group.group_id}: there is no such group")
    known = group.protocol_type == _OF_CONSUMERS
    members = tuple(
        ports.GroupMember(
            id=member.member_id,
            client_id=member.client_id,
            host=_host(member.client_host),
            instance_id=member.group_instance_id,
            owns=_owned(bytes(member.member_assignment)) if known else frozenset(),
        )
        for member in group.members
    )
    return ports.GroupDescription(
        name=group.group_id,
        state=state,
        protocol="classic",
        assignor=group.protocol_data or "",
        coordinator=coordinators.of(group.group_id),
        members=members,
    )


def _modern(answer: Any, coordinators: Coordinators) -> Iterator[tuple[str, int, Description]]:
    for group in answer.groups:
        description = ports.GroupDescription(
            name=group.group_id,
            state=_state(group.group_state),
            protocol="consumer",
            assignor=group.assignor_name or "",
            coordinator=coordinators.of(group.group_id),
            members=tuple(_modern_member(member) for member in group.members or ()),
        )
        yield group.group_id, group.error_code, description


def _modern_member(member: Any) -> ports.GroupMember:
    return ports.GroupMember(
        id=member.member_id,
        client_id=member.client_id,
        host=_host(member.client_host),
        instance_id=member.instance_id,
        owns=_partitions(member.assignment),
        target=_partitions(member.target_assignment),
    )


def _partitions(assignment: Any) -> frozenset[TopicPartition]:
    return frozenset(
        TopicPartition(topic.topic_name, partition)
        for topic in assignment.topic_partitions
        for partition in topic.partitions
    )


def _host(word: str) -> str:
    """Without the slash that Java puts before an address."""
    return word.removeprefix("/")


def _owned(assignment: bytes) -> frozenset[TopicPartition]:
    """Read what a group's leader wrote for a member: version, then topics with their partition numbers.

    Any client may have written it: what is not in this form counts as nothing owned.
    """
    owned: list[TopicPartition] = []
    try:
        (topics,) = struct.unpack_from(">xxi", assignment, 0)
        at = 6
        for _ in range(topics):
            (length,) = struct.unpack_from(">h", assignment, at)
            topic = assignment[at + 2 : at + 2 + max(length, 0)].decode()
            at += 2 + max(length, 0)
            (count,) = struct.unpack_from(">i", assignment, at)
            numbers = struct.unpack_from(f">{max(count, 0)}i", assignment, at + 4)
            at += 4 + 4 * max(count, 0)
            owned += [TopicPartition(topic, number) for number in numbers]
    except (struct.error, UnicodeDecodeError, OverflowError):
        return frozenset()
    return frozenset(owned)
