"""What is answered when a dependency was asked for something: which copy will do, and what comes after a failure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from reliability.degradation.domain.flags import NAME
from reliability.kernel.errors import MainstayError, Postponed
from reliability.kernel.text import is_storable

STALE_S_MAX: Final = 86_400.0
"""No value is older than a day; so long the invalidation of a tag is remembered, too."""
AHEAD_S: Final = 5.0
"""So far clocks of two machines may differ. A copy from further ahead has no age that could be trusted."""
VALUE_BYTES_MAX: Final = 262_144
TAGS_MAX: Final = 20
TAG_CHARS_MAX: Final = 200
EVERY: Final = "*"
"""The tag that every copy has."""


class WrongFallback(MainstayError):
    """A fallback cannot be used like this."""


class NothingToServe(Postponed):
    """The dependency is not asked now, and there is neither a value nor a default."""


class Outcome(StrEnum):
    """Where an answer came from, in the order in which it is looked for."""

    LOCAL = "local"
    """A fresh copy of this process, or the answer that another call of it was waiting for."""
    SHARED = "shared"
    """A fresh copy from Redis."""
    ASKED = "asked"
    """The dependency answered."""
    STALE = "stale"
    """The dependency failed, and an older answer of it will do."""
    DEFAULT = "default"
    FAILED = "failed"
    """Nothing: the caller is told at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How old an answer may be, in seconds: up to ``fresh_s`` nobody is asked; up to ``stale_s`` it does in need."""

    name: str
    fresh_s: float
    stale_s: float

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise WrongFallback(f"{self.name!r:.80} is no name: lower-case letters, digits, dots, - and _, at most 63")
        for what, value in (("fresh_s", self.fresh_s), ("stale_s", self.stale_s)):
            if checked_seconds(self.name, what, value, most=STALE_S_MAX) == 0:
                raise WrongFallback(f"{self.name}: {what} is 0; nothing would ever be kept")
        if self.fresh_s > self.stale_s:
            raise WrongFallback(f"{self.name}: fresh_s is {self.fresh_s}, longer than stale_s, {self.stale_s}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """An answer as JSON, and when it was given, in seconds since 1970."""

    text: str
    at_s: float


def age_s(copy: Copy, *, now_s: float) -> float:
    """Return how old a copy is, in seconds; beyond every limit when it comes from too far ahead."""
    age = now_s - copy.at_s
    return max(0.0, age) if age >= -AHEAD_S else float("inf")


def is_fresh(copy: Copy | None, rules: Rules, *, now_s: float) -> bool:
    """Return whether nobody has to be asked."""
    return copy is not None and age_s(copy, now_s=now_s) < rules.fresh_s


def in_need(
    copies: Iterable[Copy | None], rules: Rules, *, has_default: bool, now_s: float
) -> tuple[Outcome, Copy | None]:
    """Return what is answered when the dependency is not: the newest copy that will do, the default, or nothing."""
    usable = [copy for copy in copies if copy is not None and age_s(copy, now_s=now_s) < rules.stale_s]
    if usable:
        return Outcome.STALE, max(usable, key=lambda copy: copy.at_s)
    return (Outcome.DEFAULT if has_default else Outcome.FAILED), None


def checked_seconds(name: str, what: str, value: object, *, most: float) -> float:
    """Return a number of seconds, 0 to ``most``; raises ``WrongFallback`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise WrongFallback(f"{name}: {what} is {value!r:.40}; it is seconds, from 0 to {most:.0f}")
    return float(value)


def checked_tags(name: str, tags: object) -> tuple[str, ...]:
    """Return tags, each once, in order; raises ``WrongFallback``."""
    if isinstance(tags, str) or not isinstance(tags, Iterable):
        raise WrongFallback(f"{name}: tags is {tags!r:.60}; it is a list of texts")
    given = list(tags)
    if not all(isinstance(tag, str) for tag in given):
        raise WrongFallback(f"{name}: tags are texts, not {given!r:.60}")
    found = tuple(sorted(set(given)))
    if len(found) > TAGS_MAX or not all(_is_tag(tag) for tag in found):
        raise WrongFallback(f"{name}: tags are at most {TAGS_MAX} texts of at most {TAG_CHARS_MAX} characters")
    return found


def _is_tag(tag: str) -> bool:
    return 0 < len(tag) <= TAG_CHARS_MAX and is_storable(tag)


def as_text(name: str, value: object) -> str:
    """Return a value as JSON; raises ``WrongFallback`` for what JSON has not, such as a set or an object."""
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise WrongFallback(
            f"{name}: an answer is no JSON ({error!s:.120}); return lists, objects and texts"
        ) from error


def value_of(copy: Copy) -> Any:
    """Return the value of a copy: made anew each time, so that no caller changes another one's."""
    return json.loads(copy.text)
