"""Rules as plain JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from reliability.alerts.domain.rule import SEVERITIES, Rule, Together
from reliability.console.domain.conditions import Run, WrongRule
from reliability.console.domain.given import number, refuse_unknown, text
from reliability.console.domain.packing import condition_read, run_as_json, run_read

_NUMBERS = ("raise_after_s", "clear_after_s", "remind_after_s")
_LISTS = ("rooms", "channels")
_WORD_CHARS_MAX = 300


def rule_as_json(rule: Rule) -> dict[str, Any]:
    """Return a rule as JSON; ``rule_read`` makes it again."""
    condition = asdict(rule.condition) if rule.condition is not None else None
    lists = {name: list(getattr(rule, name)) for name in _LISTS}
    return asdict(rule) | lists | {"together": rule.together.value, "condition": condition}


def rule_read(given: object) -> Rule:
    """Return the rule that JSON describes; raises ``WrongRule``, which names the key and what it has to be."""
    if not isinstance(given, dict):
        raise WrongRule("A rule is an object with a name and what it watches.")
    refuse_unknown("A rule", given, {each.name for each in fields(Rule)})
    values: dict[str, Any] = {name: text(given, name) for name in ("name", "things") if name in given}
    values |= {name: number(given, name) for name in _NUMBERS if name in given}
    values |= {name: _words(given, name) for name in _LISTS if name in given}
    for name in ("severity", "at_least", "at_most"):
        if name in given:
            values[name] = _one_of(given, name, SEVERITIES)
    if "together" in given:
        values["together"] = Together(_one_of(given, "together", tuple(each.value for each in Together)))
    if given.get("condition") is not None:
        values["condition"] = condition_read(given["condition"])
    if "name" not in values:
        raise WrongRule("A rule has a name, such as payments-down.")
    if len(values.get("things", "")) > _WORD_CHARS_MAX:
        raise WrongRule(f"things has at most {_WORD_CHARS_MAX} characters, such as lag:*.")
    return Rule(**values)


def _one_of(given: Mapping[str, Any], name: str, known: tuple[str, ...]) -> str:
    value = given[name]
    if not isinstance(value, str) or value not in known:
        raise WrongRule(f"{name} is {value!r:.40}; it is {' or '.join(known)}.")
    return value


def _words(given: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = given[name]
    if not isinstance(value, list | tuple):
        raise WrongRule(f"{name} is {value!r:.60}; it is a list of names.")
    for each in value:
        if not isinstance(each, str) or not each or "\x00" in each or len(each) > _WORD_CHARS_MAX:
            raise WrongRule(f"{name} holds {each!r:.60}, which is no name.")
    return tuple(dict.fromkeys(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How a rule's condition stands: its run, and whether it is bad until it is well again."""

    run: Run = field(default_factory=Run)
    is_bad: bool = False


def watch_as_json(watch: Watch) -> dict[str, Any]:
    """Return it as JSON; ``watch_read`` makes it again."""
    return {"run": run_as_json(watch.run), "is_bad": watch.is_bad}


def watch_read(given: Mapping[str, Any]) -> Watch:
    """Return what our own JSON describes; that of a new rule when there is none."""
    return Watch(run=run_read(given["run"]), is_bad=bool(given["is_bad"])) if given else Watch()


def condition_of(body: Mapping[str, Any]) -> object:
    """Return what a saved rule says of its signal, to compare: another condition begins anew."""
    return body.get("condition")
