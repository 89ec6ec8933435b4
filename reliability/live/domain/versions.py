"""What a version of a topic is: the life of the counter, and the counter at the topic's last change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

NO_EPOCH = "0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A topic has a new version. The rest may be missing: it saves a page a question, nothing depends on it."""

    topic: str
    version: str
    worst: str | None = None
    samples: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What Redis said: the epoch, and the topics that changed since the number asked for."""

    epoch: str
    numbers: Mapping[str, int] = field(default_factory=dict)


def version(epoch: str, number: int) -> str:
    """A version as pages see it. Only ever compared for equality: another Redis starts to count anew."""
    return f"{epoch}:{number}"


def without_hints(elapsed_s: float, *, every_s: float) -> str:
    """The version of everything while Redis does not answer: a new one every ``every_s``, so that pages ask."""
    return f"poll:{int(elapsed_s // every_s)}"
