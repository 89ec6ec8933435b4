"""Topic scopes: which topics an account or a token may see. Exact names, prefixes and globs, always the whole name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from reliability.kernel.errors import Refused

# A Kafka topic name has at most 249 characters of these, so a scope needs no others.
LONGEST_TOPIC = 249
MOST_SCOPES = 100
_NEVER = "^(?!)"
_WELL_FORMED = re.compile(r"[A-Za-z0-9._*?-]{1,249}")


class BadScope(Refused):
    """A topic scope may hold letters, digits, '.', '_', '-', and the wildcards '*' and '?'."""

    code = "bad-scope"
    status = 422


@dataclass(frozen=True, slots=True)
class Scope:
    """One pattern: '*' stands for any run of characters, '?' for exactly one; everything else for itself."""

    pattern: str

    @staticmethod
    def parse(text: str) -> Scope:
        """Read a scope; raises ``BadScope``. Runs of '*' mean the same as one and become one."""
        if not _WELL_FORMED.fullmatch(text):
            raise BadScope
        return Scope(re.sub(r"\*+", "*", text))

    @property
    def is_everything(self) -> bool:
        """Whether it lets every topic through, also one that is not known."""
        return self.pattern == "*"

    @property
    def is_exact(self) -> bool:
        """Whether it names one topic."""
        return "*" not in self.pattern and "?" not in self.pattern

    @property
    def prefix(self) -> str | None:
        """The fixed start of a ``start*`` pattern; None for other patterns."""
        start = self.pattern[:-1]
        return start if self.pattern.endswith("*") and Scope(start).is_exact else None

    @property
    def regex(self) -> str:
        """The same pattern as an anchored regular expression that PostgreSQL and Python read alike."""
        parts = {"*": ".*", "?": ".", ".": r"\."}
        return "^(?:" + "".join(parts.get(character, character) for character in self.pattern) + ")$"

    def matches(self, topic: str) -> bool:
        """Whether the whole name matches. At most pattern times name steps: no pattern can make it slow."""
        at, star, retry_from = 0, -1, 0
        position, pattern = 0, self.pattern
        while position < len(topic):
            if at < len(pattern) and pattern[at] == "*":
                star, retry_from = at, position
                at += 1
            elif at < len(pattern) and pattern[at] in ("?", topic[position]):
                at, position = at + 1, position + 1
            elif star >= 0:  # let the last star take one character more
                retry_from += 1
                at, position = star + 1, retry_from
            else:
                return False
        return pattern[at:] in ("", "*")


@dataclass(frozen=True, slots=True)
class TopicFilter:
    """What may be seen: a topic passes when every layer (account, token) has a scope that matches it."""

    layers: tuple[tuple[Scope, ...], ...]

    @staticmethod
    def of(patterns: Iterable[str]) -> TopicFilter:
        """One layer of these scopes; no scope lets nothing through. Raises ``BadScope``."""
        scopes = tuple(Scope.parse(pattern) for pattern in patterns)
        if len(scopes) > MOST_SCOPES:
            raise BadScope(f"At most {MOST_SCOPES} topic scopes are possible, these are {len(scopes)}.")
        return TopicFilter((scopes,))

    def narrowed(self, patterns: Iterable[str]) -> TopicFilter:
        """Only what these scopes let through as well."""
        return TopicFilter(self.layers + TopicFilter.of(patterns).layers)

    @property
    def is_everything(self) -> bool:
        """Whether every topic passes, also one that is not known."""
        return all(any(scope.is_everything for scope in layer) for layer in self.layers)

    def allows(self, topic: str) -> bool:
        """Whether the topic passes. An empty name (origin not known) passes only where everything does."""
        if not topic:
            return self.is_everything
        return all(any(scope.matches(topic) for scope in layer) for layer in self.layers)

    def regexes(self) -> tuple[str, ...]:
        """One anchored regular expression per layer that hides something; a name passes when all of them match."""
        hiding = (layer for layer in self.layers if not any(scope.is_everything for scope in layer))
        return tuple("|".join(scope.regex for scope in layer) or _NEVER for layer in hiding)

    def patterns(self) -> tuple[str, ...]:
        """The scopes as written, layer after layer; for showing."""
        return tuple(scope.pattern for layer in self.layers for scope in layer)


EVERYTHING = TopicFilter.of(["*"])
NOTHING = TopicFilter(((),))
