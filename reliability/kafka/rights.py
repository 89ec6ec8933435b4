"""What the console's account may do in a cluster, what it needs, and the command that grants what is missing.

Pure: what is allowed was asked before (``ports.Allowed``).
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from reliability.kafka.ports import Allowed

Kind = Literal["topic", "group", "cluster"]
EVERY = "*"
CLUSTER = "kafka-cluster"
_OPTION_WORDS = {
    "READ": "Read",
    "WRITE": "Write",
    "DELETE": "Delete",
    "DESCRIBE": "Describe",
    "DESCRIBE_CONFIGS": "DescribeConfigs",
}
_IMPLIES_DESCRIBE = frozenset({"READ", "WRITE", "DELETE", "ALTER"})
EXAMPLES_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Something that the console does, and the operation of Kafka's access control that it takes.

    ``name``: of the topic or group, ``*`` for every one. ``without`` says what is lost; ``is_vital``: what the console
    promises is lost, not only a figure or an act.
    """

    kind: Kind
    name: str
    operation: str
    purpose: str
    without: str
    is_vital: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A need that is not met. ``where``: of which topics, when the account has it for others."""

    need: Need
    where: str = ""

    @property
    def sentence(self) -> str:
        """What is missing, what for, and what comes of it."""
        need = self.need
        word = _OPTION_WORDS[need.operation]
        if need.kind == "cluster":
            what = "the cluster"
        else:
            what = f"every {need.kind}" if need.name == EVERY else f"{need.kind} {need.name}"
        return f"{word} on {what}{self.where}: {need.purpose}; without it {need.without}"


def missing(needs: Iterable[Need], allowed: Allowed) -> list[Missing]:
    """Return the needs that are not met, vital ones first. What could not be asked is not called missing."""
    found = [each for each in (_missing(need, allowed) for need in needs) if each is not None]
    return sorted(found, key=lambda each: not each.need.is_vital)


def _missing(need: Need, allowed: Allowed) -> Missing | None:
    if need.kind == "cluster":
        return None if _grants(allowed.cluster, need.operation) else Missing(need=need)
    known = allowed.topics if need.kind == "topic" else allowed.groups
    if need.name != EVERY:
        there = known.get(need.name)
        return None if need.name not in known or there is None or _grants(there, need.operation) else Missing(need=need)
    any_name = allowed.any_topic if need.kind == "topic" else allowed.any_group
    if need.operation == "DESCRIBE":
        return None if _grants(any_name, "DESCRIBE") else Missing(need=need)
    if need.kind == "group":
        return None if _grants(any_name, need.operation) else Missing(need=need)
    # Nobody can ask what holds of every topic: those that are seen stand for it, and none is seen without any right.
    lacking = sorted(name for name, there in known.items() if there is not None and not _grants(there, need.operation))
    if not lacking and _grants(any_name, "DESCRIBE"):
        return None
    if not lacking:
        return Missing(need=need) if not known else None
    if len(lacking) == len(known):
        return Missing(need=need)
    return Missing(need=need, where=f" (lacking for {len(lacking)} of {len(known)}: {_some(lacking)})")


def _grants(operations: frozenset[str], operation: str) -> bool:
    if operation in operations or "ALL" in operations:
        return True
    return operation == "DESCRIBE" and bool(operations & _IMPLIES_DESCRIBE)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:EXAMPLES_MAX]) + (", ..." if len(names) > EXAMPLES_MAX else "")


def commands(found: Sequence[Missing], *, servers: str, principal: str) -> list[str]:
    """Return the commands that grant what is missing, one for each topic, group or cluster, as they can be copied.

    An admin of the cluster runs them; ``admin.properties`` says how that one signs in.
    """
    operations: dict[tuple[Kind, str], list[str]] = defaultdict(list)
    for each in found:
        word = _OPTION_WORDS[each.need.operation]
        wanted = operations[each.need.kind, each.need.name]
        if word not in wanted:
            wanted.append(word)
    return [
        shlex.join(
            [
                *("kafka-acls.sh", "--bootstrap-server", servers, "--command-config", "admin.properties", "--add"),
                *("--allow-principal", principal),
                *(part for word in words for part in ("--operation", word)),
                *(("--cluster",) if kind == "cluster" else (f"--{kind}", name)),
            ]
        )
        for (kind, name), words in operations.items()
    ]
