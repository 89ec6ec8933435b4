"""Policies, their states and what a process holds of flags, as plain JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from reliability.console.domain.given import as_text, instant, number, refuse_unknown, text, whole
from reliability.console.domain.packing import condition_read, run_as_json, run_read
from reliability.degradation.domain.policy import Joined, Policy, State, WrongPolicy


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
    refuse_unknown("A policy", given, {field.name for field in fields(Policy)})
    conditions = given.get("conditions")
    if not isinstance(conditions, list | tuple):
        raise WrongPolicy("conditions is a list of objects with signal, subject, enter and exit.")
    joined = given.get("joined", Joined.ANY.value)
    if joined not in [each.value for each in Joined]:
        raise WrongPolicy(f"joined is any or all, not {joined!r:.40}.")
    values: dict[str, Any] = {"name": text(given, "name"), "flag": text(given, "flag")}
    values["level"] = whole(given, "level")
    if "dwell_s" in given:
        values["dwell_s"] = number(given, "dwell_s")
    if "flips_per_hour" in given:
        values["flips_per_hour"] = whole(given, "flips_per_hour")
    return Policy(joined=Joined(joined), conditions=tuple(condition_read(each) for each in conditions), **values)


def state_as_json(state: State) -> dict[str, Any]:
    """Return a policy's state as JSON; ``state_read`` makes it again."""
    return {
        "entered": state.entered,
        "since": as_text(state.since),
        "held": as_text(state.held),
        "flips": [as_text(flip) for flip in state.flips],
        "runs": [run_as_json(run) for run in state.runs],
    }


def state_read(given: Mapping[str, Any]) -> State:
    """Return the state that our own JSON describes; that of a new policy when there is none."""
    flips = [instant(flip) for flip in given.get("flips", [])]
    return State(
        entered=bool(given.get("entered", False)),
        since=instant(given.get("since")),
        held=instant(given.get("held")),
        flips=tuple(flip for flip in flips if flip is not None),
        runs=tuple(run_read(run) for run in given.get("runs", [])),
    )
