"""What a process says of itself in its heartbeats, in words and units; what is not known here stays readable."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from reliability.console.domain import wording

LISTED_MAX = 20
TEXT_CHARS_MAX = 400
HIDDEN_ERROR = "an error, hidden: it may name topics outside yours"
HIDDEN_TEXT = "something, hidden: it may name topics outside yours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One fact as it is read: "12 partitions". ``at`` follows the text as a time; ``is_trouble``: it went wrong."""

    text: str
    at: datetime | None = None
    is_trouble: bool = False


def held_back(process: str, facts: Mapping[str, object]) -> list[str]:
    """Return what a process waits for that is not its own, in sentences: it is well, and does less than it could."""
    gate, topics = facts.get("gate"), facts.get("held_topics")
    found = [f"{process} is held back by {gate}"] if isinstance(gate, str) and facts.get("gate_since") else []
    held = topics.items() if isinstance(topics, Mapping) else ()
    return found + [f"{process} holds {topic} back for {why}" for topic, why in list(held)[:LISTED_MAX]]


def without_topics(facts: Mapping[str, object]) -> dict[str, object]:
    """Return the facts for who does not see every topic: that there is an error, and counts in place of names.

    Only what is known to name no topic stays as it is: a fact added tomorrow is hidden until somebody says otherwise.
    """
    return {name: _without_topics(name, value) for name, value in facts.items()}


def _without_topics(name: str, value: object) -> object:
    if name in _TROUBLES:
        return HIDDEN_ERROR if value else value
    if name in _NAMELESS or isinstance(value, int | float) or not value or _instant(value) is not None:
        return value
    if isinstance(value, Mapping):
        return len(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value if _numbers(value) else len(value)
    return HIDDEN_TEXT


def said(facts: Mapping[str, object]) -> list[Said]:
    """Return the facts that say something: those known here in their order, others by name, troubles last."""
    ordered = sorted(facts.items(), key=lambda fact: (_ORDER.get(fact[0], len(_ORDER)), fact[0]))
    told = [each for name, value in ordered if (each := _said(name, value)) is not None]
    return sorted(told, key=lambda each: each.is_trouble)


def _said(name: str, value: object) -> Said | None:
    if name in _TROUBLES:
        if value == HIDDEN_ERROR:
            return Said(text=HIDDEN_ERROR, is_trouble=True)
        return Said(text=_cut(f"{_TROUBLES[name]}: {plain(value)}"), is_trouble=True) if value else None
    if name in _KNOWN:
        text = _KNOWN[name](value)
        return Said(text=_cut(text)) if text else None
    if value is None and name in _SINCE_ITS_START:
        return None  # the count beside it says so
    instant = _instant(value)
    if instant is not None:
        return Said(text=_words(name), at=instant)
    return Said(text=_cut(_unknown(name, value)))


def _unknown(name: str, value: object) -> str:
    """By its name's end, seconds and bytes are told from plain numbers."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        for end, shown in _UNITS.items():
            if name.endswith(end):
                return f"{_words(name.removesuffix(end))} {shown(value)}"
    return f"{_words(name)} {plain(value)}"


def plain(value: object) -> str:
    """Return any JSON value without its punctuation: lists and pairs with commas, nothing as "none"."""
    if value is None or value in ("", [], {}):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return wording.number(value)
    if isinstance(value, Mapping):
        return _listed([f"{key}: {plain(each)}" for key, each in value.items()])
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _numbers(value) or _listed([plain(each) for each in value])
    return str(value)


def _numbers(values: Sequence[object]) -> str:
    """Whole numbers with runs drawn together: "0-7, 9"; "" when they are none."""
    numbers = sorted({value for value in values if isinstance(value, int) and not isinstance(value, bool)})
    if len(numbers) != len(values):
        return ""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return _listed([f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs])


def _listed(parts: Sequence[str]) -> str:
    more = f" and {len(parts) - LISTED_MAX} more" if len(parts) > LISTED_MAX else ""
    return ", ".join(parts[:LISTED_MAX]) + more


def _counted(one: str, many: str = "") -> Callable[[object], str]:
    """Word a number of things; anything else as it is."""

    def shown(value: object) -> str:
        return f"{plain(value)} {one if value == 1 else many or one + 's'}"

    return shown


def _named(name: str) -> Callable[[object], str]:
    """Word a value behind its name; nothing is not worth saying."""
    return lambda value: f"{name} {plain(value)}" if value else ""


def _shards(value: object) -> str:
    return f"sends for shards {plain(value)}" if value else "sends for no shard"


def _waiting(value: object) -> str:
    """Partitions with what they wait for, or only how many wait, or shards that try again."""
    if isinstance(value, int):
        return _counted("partition waits", "partitions wait")(value) if value else ""
    if isinstance(value, Mapping):
        return _listed([f"{place} waits: {plain(why)}" for place, why in value.items()])
    return f"shards that will try again: {plain(value)}" if value else ""


_KNOWN: dict[str, Callable[[object], str]] = {
    "cluster": _named("cluster"),
    "outbox": _named("outbox"),
    "shards": _shards,
    "sent": lambda value: f"{_counted('event')(value)} sent since its start",
    "partitions": _counted("partition"),
    "letters_per_second": lambda value: f"{plain(value)} letters/s",
    "letters_stored": lambda value: f"{_counted('letter')(value)} stored since its start",
    "held_records": lambda value: _counted("record in hand", "records in hand")(value) if value else "",
    "gate": _named("held back by"),
    "held_topics": lambda value: (
        _listed([f"{topic} waits for {plain(why)}" for topic, why in value.items()])
        if isinstance(value, Mapping)
        else f"{plain(value)} topics wait"
    ),
    "under_way_s": lambda value: (
        f"works on a record for {wording.span(value)}" if isinstance(value, int | float) else ""
    ),
    "under_way": _named("that record:"),
    "waiting": _waiting,
}
_ORDER = {name: place for place, name in enumerate(_KNOWN)}
_SINCE_ITS_START = frozenset({"last_stored"})  # told as none, they would be taken for never
_NAMELESS = frozenset({"cluster", "outbox"})  # texts of our own configuration
_TROUBLES = {"error": "error", "last_error": "last error", "create_topics": "topics it may not create"}
_UNITS: dict[str, Callable[[float], str]] = {
    "_s": wording.span,
    "_ms": lambda value: f"{wording.number(value)} ms",
    "_bytes": lambda value: wording.size(int(value)),
    "_per_second": lambda value: f"{wording.number(value)}/s",
}


def _words(name: str) -> str:
    return name.replace("_", " ").strip()


def _instant(value: object) -> datetime | None:
    """An instant with its zone, as JSON has it."""
    if not isinstance(value, str) or len(value) < len("2026-01-01T00:00Z") or value[10:11] not in ("T", " "):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.utcoffset() is not None else None


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_CHARS_MAX else f"{text[: TEXT_CHARS_MAX - 1]}…"
