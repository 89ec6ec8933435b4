"""Policies, their states and what a process holds of flags, as plain JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

from reliability.degradation.domain.conditions import Condition, Look, Run, WrongPolicy
from reliability.degradation.domain.policy import Joined, Policy, State

_NUMBERS = ("enter", "exit", "enter_for_s", "exit_for_s", "fresh_s")


def policy_as_json(policy: Policy) -> dict[str, Any]:
    """Return a policy as JSON; ``policy_read`` makes it again."""
    return asdict(policy) | {
        "joined": policy.joined.value,
        "conditions": [asdict(condition) for condition in policy.conditions],
    }


def policy_read(given: object) -> Policy:
    """Return the policy that JSON describes; raises ``WrongPolicy``, which names the key and what it has to be."""
    if not isinstance(given, dict):
        raise WrongPolicy("A policy is an object with name, flag, level and conditions.")
    _refuse_unknown("A policy", given, {field.name for field in fields(Policy)})
    conditions = given.get("conditions")
    if not isinstance(conditions, list | tuple):
        raise WrongPolicy("conditions is a list of objects with signal, subject, enter and exit.")
    joined = given.get("joined", Joined.ANY.value)
    if joined not in [each.value for each in Joined]:
        raise WrongPolicy(f"joined is any or all, not {joined!r:.40}.")
    values: dict[str, Any] = {"name": _text(given, "name"), "flag": _text(given, "flag")}
    values["level"] = _whole(given, "level")
    if "dwell_s" in given:
        values["dwell_s"] = _number(given, "dwell_s")
    if "flips_per_hour" in given:
        values["flips_per_hour"] = _whole(given, "flips_per_hour")
    return Policy(joined=Joined(joined), conditions=tuple(_condition(each) for each in conditions), **values)


def _condition(given: object) -> Condition:
    if not isinstance(given, dict):
        raise WrongPolicy("A condition is an object with signal, subject, enter and exit.")
    _refuse_unknown("A condition", given, {field.name for field in fields(Condition)})
    values: dict[str, Any] = {name: _text(given, name) for name in ("signal", "subject", "unit") if name in given}
    values |= {name: _number(given, name) for name in _NUMBERS if name in given}
    missing = [name for name in ("signal", "enter", "exit") if name not in values]
    if missing:
        raise WrongPolicy(f"A condition names signal, enter and exit; this one has no {missing[0]}.")
    return Condition(**{"subject": "", **values})


def state_as_json(state: State) -> dict[str, Any]:
    """Return a policy's state as JSON; ``state_read`` makes it again."""
    return {
        "entered": state.entered,
        "since": _told(state.since),
        "held": _told(state.held),
        "flips": [_told(flip) for flip in state.flips],
        "runs": [
            {"look": run.look.value, "since": _told(run.since), "last": _told(run.last), "value": run.value}
            for run in state.runs
        ],
    }


def state_read(given: Mapping[str, Any]) -> State:
    """Return the state that our own JSON describes; that of a new policy when there is none."""
    flips = [_instant(flip) for flip in given.get("flips", [])]
    return State(
        entered=bool(given.get("entered", False)),
        since=_instant(given.get("since")),
        held=_instant(given.get("held")),
        flips=tuple(flip for flip in flips if flip is not None),
        runs=tuple(
            Run(look=Look(run["look"]), since=_instant(run["since"]), last=_instant(run["last"]), value=run["value"])
            for run in given.get("runs", [])
        ),
    )


def _told(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at is not None else None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _refuse_unknown(what: str, given: Mapping[Any, Any], known: set[str]) -> None:
    for name in given:
        if name not in known:
            raise WrongPolicy(f"{what} has no {str(name)[:40]!r}; there are {', '.join(sorted(known))}.")


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or "\x00" in value:
        raise WrongPolicy(f"{name} is {value!r:.60}; it is a text.")
    return value


def _number(given: Mapping[str, Any], name: str) -> float:
    value = given.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongPolicy(f"{name} is {value!r:.60}; it is a number.")
    try:
        return float(value)
    except OverflowError as error:
        raise WrongPolicy(f"{name} is too large a number.") from error


def _whole(given: Mapping[str, Any], name: str) -> int:
    value = given.get(name)
    if type(value) is not int:
        raise WrongPolicy(f"{name} is {value!r:.60}; it is a whole number.")
    return value
