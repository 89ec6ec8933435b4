"""What a test makes the in-memory group admin tell, beside or instead of what is in the broker."""

from __future__ import annotations

from dataclasses import dataclass, field

from reliability.kafka import ports
from reliability.kernel.record import TopicPartition

_WEEK_S = 604_800.0  # Kafka's default


@dataclass(slots=True)
class Play:
    """Set anything at any time; what is not set here comes out of the broker's own groups and logs.

    Thousands of partitions are cheap: create the topics in the broker's log and set `ends`, not records.
    """

    groups: dict[str, ports.GroupDescription] = field(default_factory=dict)
    """Groups with any state, protocol and members; commits are those of the broker's group of that name."""
    types: dict[str, str] = field(default_factory=dict)
    """The classic protocol's own word of a group, where it is not "consumer"."""
    leaders: dict[TopicPartition, int] = field(default_factory=dict)
    starts: dict[TopicPartition, int] = field(default_factory=dict)
    ends: dict[TopicPartition, int] = field(default_factory=dict)
    stable_ends: dict[TopicPartition, int] = field(default_factory=dict)
    transactions: dict[TopicPartition, list[ports.OpenTransaction]] = field(default_factory=dict)
    """An open transaction also holds the stable end back, unless `stable_ends` says where that is."""
    retention: dict[str, ports.Retention] = field(default_factory=dict)
    offsets_kept_s: float | None = _WEEK_S
    group_problems: dict[str, ports.Problem] = field(default_factory=dict)
    """Told instead of a group's members and commits, and in answer to an order for it."""
    partition_problems: dict[TopicPartition, ports.Problem] = field(default_factory=dict)
    """Told instead of anything about a partition, and in answer to an order for it."""
    topic_problems: dict[str, ports.Problem] = field(default_factory=dict)
    """Told instead of a topic's retention and of anything about its partitions."""
    unsupported: set[str] = field(default_factory=set)
    """Names of calls that raise Unsupported."""
