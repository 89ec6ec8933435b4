"""What the room needs to be allowed in a Kafka cluster."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from reliability import access
from reliability.kafka.rights import CLUSTER, EVERY, Need

_LOOKS = (
    Need(
        kind="topic",
        name=EVERY,
        operation="DESCRIBE",
        purpose="sees topics and where their logs end",
        without="a topic and the lag of its readers are not shown",
    ),
    Need(
        kind="topic",
        name=EVERY,
        operation="READ",
        purpose="looks what a small lag consists of, and at open transactions",
        without="markers count as lag, and a transaction that hangs is not named",
    ),
    Need(
        kind="topic",
        name=EVERY,
        operation="DESCRIBE_CONFIGS",
        purpose="knows how long records are kept",
        without="nobody is warned before records are deleted unread",
    ),
    Need(
        kind="group",
        name=EVERY,
        operation="DESCRIBE",
        purpose="sees consumer groups, their members and commits",
        without="a group is not shown",
    ),
    Need(
        kind="cluster",
        name=CLUSTER,
        operation="DESCRIBE",
        purpose="lists all groups, and asks what this account may do",
        without="groups may be left out without a word, and this check knows less",
    ),
    Need(
        kind="cluster",
        name=CLUSTER,
        operation="DESCRIBE_CONFIGS",
        purpose="knows how long commits are kept",
        without="nobody is warned before the commits of an empty group are forgotten",
    ),
)
_ACTS = (
    Need(
        kind="group",
        name=EVERY,
        operation="READ",
        purpose="sets where a group goes on",
        without="resets of offsets are refused by the cluster",
    ),
    Need(
        kind="group",
        name=EVERY,
        operation="DELETE",
        purpose="takes back a first commit that a reset made",
        without="the undo of such a reset is refused by the cluster",
    ),
)


def needs(cluster: str, topics: Collection[str]) -> Sequence[Need]:
    """Return what looking at groups takes, and what acting on them does."""
    return _LOOKS if access.is_read_only() else (*_LOOKS, *_ACTS)
