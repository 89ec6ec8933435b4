"""What an account may do in a cluster, as the cluster itself says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Operations = frozenset[str]
"""Names of Kafka's access control: READ, WRITE, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER, ALL, ..."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The operations that this account has. Nothing of the other account's rights is told.

    ``topics``, ``groups``: of those that were asked for by name; None where there is no such topic (which who may not
    see it is not told). ``any_topic``, ``any_group``: of a name that nobody gave anything.
    """

    cluster: Operations
    topics: Mapping[str, Operations | None]
    groups: Mapping[str, Operations | None]
    any_topic: Operations
    any_group: Operations
