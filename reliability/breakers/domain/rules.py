"""How a breaker is to behave: its thresholds and times, checked when they are given."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

from reliability.kernel.errors import MainstayError

NAME = re.compile(r"[a-z][a-z0-9_.-]{0,62}")


COUNT_MAX: Final = 1_000_000
FACTOR_MAX: Final = 100
SHORTEST_S: Final = 0.001
LONGEST_S: Final = 86_400.0
NUMBER_MAX: Final = 2**53
_SECONDS: Final = f"{SHORTEST_S:g} to {LONGEST_S:g} seconds"


class WrongRules(MainstayError):
    """A breaker cannot behave like this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Thresholds and times of one breaker; seconds and shares of one.

    It opens when, within ``window_s``, the fleet made ``minimum`` calls or more and at least ``failure_rate`` of them
    failed, or at least ``slow_rate`` took ``slow_s`` or longer, and at least ``quorum`` hosts saw it (all of them,
    where there are fewer); or after ``consecutive`` failures in a row, for what is called too rarely for a rate (0:
    never). It stays open for ``open_s``, each time ``open_factor`` times as long, ``open_max_s`` at most, give or take
    ``jitter`` of it. Then ``permits`` calls may try, each within ``permit_s``. If they do well, traffic comes back in
    the steps of ``ramp``, spread over ``ramp_s``.
    """

    window_s: int = 30
    minimum: int = 20
    failure_rate: float = 0.5
    slow_s: float = 3.0
    slow_rate: float = 0.8
    consecutive: int = 0
    quorum: int = 2
    open_s: float = 15.0
    open_factor: float = 2.0
    open_max_s: float = 300.0
    jitter: float = 0.1
    permits: int = 3
    permit_s: float = 10.0
    ramp: tuple[int, ...] = (10, 25, 50, 100)
    ramp_s: float = 20.0

    def __post_init__(self) -> None:
        """Refuse what makes no sense, with the name of it."""
        for name, holds, told in (
            ("window_s", 1 <= self.window_s <= 3600, "1 to 3600"),
            ("minimum", 1 <= self.minimum <= COUNT_MAX, f"1 to {COUNT_MAX}"),
            ("failure_rate", 0 < self.failure_rate <= 1, "more than 0, at most 1"),
            ("slow_s", 0 < self.slow_s <= LONGEST_S, f"more than 0, at most {LONGEST_S:g} seconds"),
            ("slow_rate", 0 < self.slow_rate <= 1, "more than 0, at most 1"),
            ("consecutive", 0 <= self.consecutive <= COUNT_MAX, f"0 (never) to {COUNT_MAX}"),
            ("quorum", 1 <= self.quorum <= COUNT_MAX, f"1 to {COUNT_MAX}"),
            ("open_s", SHORTEST_S <= self.open_s <= LONGEST_S, _SECONDS),
            ("open_factor", 1 <= self.open_factor <= FACTOR_MAX, f"1 to {FACTOR_MAX}"),
            ("open_max_s", self.open_s <= self.open_max_s <= LONGEST_S, f"open_s to {LONGEST_S:g}"),
            ("jitter", 0 <= self.jitter < 1, "0 or more, less than 1"),
            ("permits", 1 <= self.permits <= 1000, "1 to 1000"),
            ("permit_s", SHORTEST_S <= self.permit_s <= LONGEST_S, _SECONDS),
            ("ramp_s", SHORTEST_S <= self.ramp_s <= LONGEST_S, _SECONDS),
        ):
            if not holds:
                raise WrongRules(f"{name} is {getattr(self, name)!r:.80}; it is {told}")
        if (
            not 1 <= len(self.ramp) <= 100
            or self.ramp[-1] != 100
            or any(b <= a for a, b in zip((0, *self.ramp), self.ramp, strict=False))
        ):
            raise WrongRules(
                f"ramp is {self.ramp!r:.80}; it grows in percent from above 0 to 100, such as (10, 50, 100)"
            )

    def as_json(self) -> str:
        """Return the rules as text; ``with_changes`` of the usual ones makes them again."""
        return json.dumps(asdict(self))

    def with_changes(self, changes: Mapping[str, object]) -> Rules:
        """Return the rules with these thresholds and times instead; raises ``WrongRules``, also for unknown names."""
        known = {field.name: field.type for field in fields(self)}
        given: dict[str, Any] = {}
        for name, value in changes.items():
            if name not in known:
                raise WrongRules(f"{name!r:.80} is no rule; there are {', '.join(known)}")
            given[name] = _read(name, value, getattr(self, name))
        return replace(self, **given)

    def changes_from(self, declared: Rules) -> dict[str, object]:
        """Return what is otherwise than in ``declared``; ``with_changes`` of that makes these again."""
        mine, theirs = asdict(self), asdict(declared)
        return {name: value for name, value in mine.items() if value != theirs[name]}

    def open_for_s(self, *, attempt: int, random: float) -> float:
        """Return for how long it is open the ``attempt``-th time in a row; ``random`` is in [0, 1)."""
        plain = min(self.open_max_s, self.open_s * self.open_factor ** min(attempt - 1, 64))
        return plain * (1 + self.jitter * (2 * random - 1))

    def share(self, *, since_s: float) -> int:
        """Return how much of the traffic is let through ``since_s`` seconds after it did well again, in percent."""
        step = int(len(self.ramp) * max(0.0, since_s) / self.ramp_s)
        return self.ramp[min(step, len(self.ramp) - 1)]


def _read(name: str, value: object, before: object) -> object:
    """A rule as it came from outside, of the kind that it has to be."""
    if isinstance(before, tuple):
        if not isinstance(value, list | tuple) or not all(type(each) is int for each in value):
            raise WrongRules(f"{name} is {value!r:.80}; it is a list of whole numbers")
        return tuple(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not -NUMBER_MAX <= value <= NUMBER_MAX:
        raise WrongRules(f"{name} is {_shown(value)}; it is a number")
    if isinstance(before, int) and value != int(value):
        raise WrongRules(f"{name} is {value!r:.80}; it is a whole number")
    return int(value) if isinstance(before, int) else float(value)


def _shown(value: object) -> str:
    """A value as a sentence shows it; a whole number of thousands of digits has no short form of its own."""
    return "a number too large" if isinstance(value, int) and abs(value) > NUMBER_MAX else f"{value!r:.80}"
