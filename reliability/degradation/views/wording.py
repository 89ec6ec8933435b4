"""How pages call levels, who decides them, and what happened."""

from __future__ import annotations

from typing import Final

from reliability.degradation.domain.precedence import Source
from reliability.degradation.models.history import Kind
from reliability.degradation.queries.board import FlagLook, PolicyLook

SOURCES: Final[dict[Source, str]] = {
    Source.OPERATOR: "by hand",
    Source.DRILL: "by a drill",
    Source.POLICY: "by policy",
    Source.SCHEDULE: "by schedule",
    Source.DEFAULT: "by the code",
}
KINDS: Final[dict[Kind, tuple[str, str]]] = {
    Kind.SET: ("paused", "set by hand"),
    Kind.EXTENDED: ("paused", "lasts longer"),
    Kind.TAKEN_BACK: ("ok", "taken back"),
    Kind.EXPIRED: ("ok", "its time was over"),
    Kind.ENTERED: ("warn", "degraded by its policy"),
    Kind.LEFT: ("ok", "brought back by its policy"),
    Kind.HELD: ("crit", "its policy asks for a person"),
    Kind.RELEASED: ("prog", "its policy decides again"),
    Kind.SWITCHED: ("unknown", "policy changed"),
    Kind.SCHEDULED: ("unknown", "schedule changed"),
    Kind.TIME: ("prog", "by schedule"),
    Kind.DECLARED: ("unknown", "declared otherwise"),
}


def state_of(look: FlagLook) -> tuple[str, str]:
    """Return shape and word of a flag: what users lose is a warning, what a person holds looks held."""
    level = look.standing.level
    name = look.level.name.capitalize()
    if level == 0:
        return ("paused", "Held normal") if look.standing.decides.source is Source.OPERATOR else ("ok", "Normal")
    if look.standing.decides.source in (Source.OPERATOR, Source.DRILL):
        return "paused", f"{level} · {name}"
    return "warn", f"{level} · {name}"


def policy_state(look: PolicyLook) -> tuple[str, str]:
    """Return shape and word of a policy."""
    if look.wanted is None:
        return "crit", "Unreadable"
    if not look.row.is_on:
        return "unknown", "Off"
    if look.row.held_since is not None:
        return "crit", "Asks for a person"
    if look.state.entered:
        return "warn", "Degrades"
    return ("unknown", "Knows nothing") if look.row.unknown else ("ok", "Watches")


def order(look: FlagLook) -> tuple[int, int, str]:
    """Return its place: what needs a person, then the worst level, then by name."""
    asks = any(each.row.held_since is not None for each in look.policies)
    return (0 if asks else 1, -look.standing.level, look.row.name)
