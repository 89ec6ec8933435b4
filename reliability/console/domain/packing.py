"""Conditions and how they stand, as plain JSON and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from reliability.console.domain.conditions import Condition, Look, Run, WrongRule
from reliability.console.domain.given import as_text, instant, number, refuse_unknown, text

_NUMBERS = ("enter", "exit", "enter_for_s", "exit_for_s", "fresh_s")


def condition_read(given: object) -> Condition:
    """Return the condition that JSON describes; raises ``WrongRule``, which names the key and what it has to be."""
    if not isinstance(given, dict):
        raise WrongRule("A condition is an object with signal, subject, enter and exit.")
    refuse_unknown("A condition", given, {field.name for field in fields(Condition)})
    values: dict[str, Any] = {name: text(given, name) for name in ("signal", "subject", "unit") if name in given}
    values |= {name: number(given, name) for name in _NUMBERS if name in given}
    missing = [name for name in ("signal", "enter", "exit") if name not in values]
    if missing:
        raise WrongRule(f"A condition names signal, enter and exit; this one has no {missing[0]}.")
    return Condition(**{"subject": "", **values})


def run_as_json(run: Run) -> dict[str, Any]:
    """Return a run as JSON; ``run_read`` makes it again."""
    return {"look": run.look.value, "since": as_text(run.since), "last": as_text(run.last), "value": _number(run.value)}


def _number(value: float | None) -> float | str | None:
    """JSON has no endless numbers: they are text there."""
    return value if value is None or math.isfinite(value) else str(value)


def run_read(given: Mapping[str, Any]) -> Run:
    """Return the run that our own JSON describes."""
    last, value = instant(given["last"]), float(given["value"]) if given["value"] is not None else None
    return Run(look=Look(given["look"]), since=instant(given["since"]), last=last, value=value)
