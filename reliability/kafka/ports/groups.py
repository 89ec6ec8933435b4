"""What the project asks of Kafka about consumer groups it does not belong to, and about the logs they read."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from reliability.kafka.ports.broker import Unsupported
from reliability.kernel.record import TopicPartition

ProblemCode = Literal["forbidden", "no_leader", "missing", "unavailable", "unsupported", "refused"]
GroupProtocol = Literal["classic", "consumer", "share", "streams", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why one group, topic or partition could not be told, while others could.

    ``forbidden``: this client lacks the right. ``no_leader``: the partition is offline. ``missing``: there is no
    such group, topic or partition. ``unavailable``: no answer in time. ``unsupported``: the broker has no such call.
    ``refused``: an order was understood and declined (a group with members, for example).
    """

    code: ProblemCode
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupListing:
    """A group as a cluster lists it.

    ``state`` is lower case with underscores (stable, empty, preparing_rebalance, completing_rebalance, assigning,
    reconciling, dead, unknown). ``type`` is the classic protocol's own word: "consumer", "connect", "" for none.
    """

    name: str
    state: str
    protocol: GroupProtocol
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMember:
    """A member as its coordinator describes it. ``target`` is what it is about to own, None where nobody says."""

    id: str
    client_id: str
    host: str
    instance_id: str | None
    owns: frozenset[TopicPartition]
    target: frozenset[TopicPartition] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDescription:
    """A group with its members. ``coordinator`` is a broker id, -1 where it is not told."""

    name: str
    state: str
    protocol: GroupProtocol
    assignor: str
    coordinator: int
    members: tuple[GroupMember, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long a topic keeps records: milliseconds and bytes per partition, None for no limit."""

    ms: int | None
    bytes: int | None
    deletes: bool
    """Whether the cleanup policy deletes at all: a topic that only compacts loses no tail."""
    compacts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTransaction:
    """A transaction that has not ended in a partition. ``first_offset`` holds the stable end back; ids where told."""

    producer_id: int
    first_offset: int
    transactional_id: str
    since_ms: int | None
    """When its producer last wrote to the partition, in Unix milliseconds; None where it is not told."""


class Untranslatable(Unsupported):
    """The client that asks about groups cannot do what this property of a cluster's profile says."""

    def __init__(self, property_name: str, reason: str) -> None:
        super().__init__(f"{property_name}: {reason}")
        self.property_name = property_name


class GroupAdmin(Protocol):
    """Questions about groups and logs, many at once. One client of one cluster, used by one thread at a time.

    A call raises ``Unavailable`` when the cluster as a whole does not answer, ``Unsupported`` when the broker has
    no such call. What fails for one group or partition is a ``Problem`` in its place and costs the others nothing.
    """

    def groups(self) -> list[GroupListing]:
        """All groups that this client may see, by name. Groups it may not see are left out by the cluster."""

    def describe(self, groups: Collection[GroupListing]) -> dict[str, GroupDescription | Problem]:
        """Members of these groups."""

    def commits(self, groups: Collection[str]) -> dict[str, dict[TopicPartition, int] | Problem]:
        """Everything each group has committed; topics that this client may not see are left out by the cluster."""

    def layout(self) -> dict[TopicPartition, int]:
        """Each partition of each topic, internal topics left out, and its leader's broker id; -1 without a leader."""

    def starts(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int | Problem]:
        """The oldest offset still there."""

    def ends(self, partitions: Collection[TopicPartition], *, stable: bool) -> dict[TopicPartition, int | Problem]:
        """The next offset to be written; ``stable``: the end for readers of committed records only."""

    def first_since(
        self, partitions: Collection[TopicPartition], *, timestamp_ms: int
    ) -> dict[TopicPartition, int | Problem | None]:
        """The first record whose time is not before this; None where there is none."""

    def retention(self, topics: Collection[str]) -> dict[str, Retention | Problem]:
        """How long these topics keep what is in them."""

    def offsets_kept_s(self) -> float | None:
        """For how many seconds an empty group's commits are kept; None where the cluster does not say."""

    def transactions(
        self, partitions: Collection[TopicPartition]
    ) -> dict[TopicPartition, list[OpenTransaction] | Problem]:
        """Transactions that have not ended, the oldest first."""

    def commit(
        self, group: str, offsets: Mapping[TopicPartition, int], *, note: str = ""
    ) -> dict[TopicPartition, Problem | None]:
        """Set where a group without members goes on; ``note`` is kept with each commit. None = it is set.

        The cluster itself refuses (``refused``) while the group has members: that check is atomic.
        """

    def forget(self, group: str, partitions: Collection[TopicPartition]) -> dict[TopicPartition, Problem | None]:
        """Delete a group's commits, for the undo of a first one. None = it is gone."""

    def requests(self) -> dict[int, int]:
        """How many requests this client has sent to each broker since it was made."""

    def close(self) -> None:
        """Release connections and threads. Idempotent."""
