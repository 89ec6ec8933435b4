"""A policy as a sentence that a person can check."""

from __future__ import annotations

from reliability.console.domain.conditions import Condition
from reliability.degradation.domain.policy import Joined, Policy


def sentence(policy: Policy, *, level_name: str = "") -> str:
    """Return all that a policy does, in plain English. ``level_name`` is what the flag calls the level."""
    is_any = policy.joined is Joined.ANY
    is_one = len(policy.conditions) == 1
    level = f"{policy.level} ({level_name})" if level_name else str(policy.level)
    enters = (" or " if is_any else " and ").join(_enter(condition) for condition in policy.conditions)
    leaves = (" and " if is_any else " or ").join(_exit(condition) for condition in policy.conditions)
    how = "" if is_one else ("any of these holds: " if is_any else "all of these hold: ")
    back = "" if is_one else ("all of these hold: " if is_any else "any of these holds: ")
    dwell = f" It stays there for {seconds(policy.dwell_s)} at the least." if policy.dwell_s else ""
    return (
        f"{policy.flag} goes to level {level} when {how}{enters}; it comes back when {back}{leaves}.{dwell} "
        f"After {policy.flips_per_hour} changes within an hour it stays as it is and asks for a person. "
        "A signal that says nothing moves nothing."
    )


def seconds(value: float) -> str:
    """Return a time as people say it."""
    for unit, size in (("h", 3600), ("min", 60)):
        if value >= size and value % size == 0:
            return f"{value / size:g} {unit}"
    return f"{value:g} s"


def _enter(condition: Condition) -> str:
    return _side(condition, condition.enter, condition.enter_for_s, is_above=condition.high_is_bad)


def _exit(condition: Condition) -> str:
    return _side(condition, condition.exit, condition.exit_for_s, is_above=not condition.high_is_bad)


def _side(condition: Condition, threshold: float, for_s: float, *, is_above: bool) -> str:
    lasting = f" for {seconds(for_s)}" if for_s else ""
    return f"{condition.named} is {condition.told(threshold)} or {'more' if is_above else 'less'}{lasting}"
