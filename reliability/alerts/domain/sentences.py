"""A rule and a mute as people read them."""

from __future__ import annotations

from typing import Final

from reliability.alerts.domain.muting import Covers, Mute
from reliability.alerts.domain.rule import Rule, Together

_SEVERITY: Final = {
    ("crit", "crit"): "critical",
    ("warn", "crit"): "at least a warning",
    ("warn", "warn"): "a warning (not critical)",
}
_TOGETHER: Final = {
    Together.RULE: "All of it is one incident",
    Together.ROOM: "Things of one page are one incident",
    Together.THING: "Each thing is an incident of its own",
}


def sentence(rule: Rule) -> str:
    """Return a rule as a sentence or two."""
    return f"{_watches(rule)} {_tells(rule)}"


def _watches(rule: Rule) -> str:
    condition = rule.condition
    if condition is not None:
        word = "at least" if condition.high_is_bad else "at most"
        lasts = f" for {span(condition.enter_for_s)}" if condition.enter_for_s else ""
        back = f" for {span(condition.exit_for_s)}" if condition.exit_for_s else ""
        return (
            f"When {condition.named} is {word} {condition.told(condition.enter)}{lasts} ({rule.severity}), "
            f"until it is {condition.told(condition.exit)} again{back}."
        )
    where = f" on {', '.join(rule.rooms)}" if rule.rooms else ""
    which = f" with an id like {rule.things}" if rule.things else ""
    bad = _SEVERITY[rule.at_least, rule.at_most]
    lasts = f"has been {bad} for {span(rule.raise_after_s)}" if rule.raise_after_s else f"is {bad}"
    ends = f"it has been gone for {span(rule.clear_after_s)}" if rule.clear_after_s else "it is gone"
    return f"When something{where}{which} {lasts}, until {ends}. {_TOGETHER[rule.together]}."


def _tells(rule: Rule) -> str:
    whom = ", ".join(rule.channels) if rule.channels else "every channel"
    again = f", and again each {span(rule.remind_after_s)} until somebody acknowledges" if rule.remind_after_s else ""
    return f"Tells {whom}{again}."


def of_mute(mute: Mute) -> str:
    """Return what a mute covers."""
    match mute.covers:
        case Covers.EVERYTHING:
            return "everything"
        case Covers.RULE:
            return f"the rule {mute.of}"
        case Covers.ROOM:
            return f"everything of {mute.of}"
        case Covers.INCIDENT:
            return f"incident {mute.of}"
        case Covers.THINGS:
            return f"things like {mute.of}"


def span(seconds: float) -> str:
    """Return a span in the largest unit that fits it whole."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
