"""What an act says about itself, made fit for keeping: bounded, printable, plain JSON."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from reliability.kernel.text import printable

LONGEST_REASON = 2_000
LONGEST_TARGET = 300
LONGEST_TEXT = 1_000
MOST_TOPICS = 100
_MOST_ITEMS = 100
_DEEPEST = 5
_SAFE_INTEGER = 2**53


def target(text: str) -> str:
    """The target as kept."""
    return printable(text, limit=LONGEST_TARGET)


def reason(text: str) -> str:
    """The reason as kept: without outer space, nothing invisible in it."""
    return printable(text.strip(), limit=LONGEST_REASON)


def topics(names: Collection[str]) -> list[str]:
    """The topics as kept: sorted, each once, at most ``MOST_TOPICS`` (the rest is counted by ``left_out``)."""
    return [printable(name, limit=249) for name in sorted(set(names))[:MOST_TOPICS]]


def left_out(names: Collection[str]) -> int:
    """How many topics did not fit."""
    return max(0, len(set(names)) - MOST_TOPICS)


def plain(value: object, *, depth: int = 0) -> object:
    """The value as JSON that reads the same everywhere: unknown kinds as text, what is too much as a count."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) <= _SAFE_INTEGER else printable(hex(value), limit=LONGEST_TEXT)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth < _DEEPEST and isinstance(value, Mapping):
        return _plain_mapping(value, depth)
    if depth < _DEEPEST and isinstance(value, list | tuple | set | frozenset):
        return _plain_list(list(value), depth)
    return printable(value if isinstance(value, str | bytes) else str(value), limit=LONGEST_TEXT)


def plain_mapping(facts: Mapping[str, object]) -> dict[str, object]:
    """Facts as a JSON object; see ``plain``."""
    return _plain_mapping(facts, 0)


def _plain_mapping(value: Mapping[object, object] | Mapping[str, object], depth: int) -> dict[str, object]:
    kept = list(value.items())[:_MOST_ITEMS]
    result = {printable(str(key), limit=100): plain(item, depth=depth + 1) for key, item in kept}
    if len(value) > _MOST_ITEMS:
        result["not_kept"] = len(value) - _MOST_ITEMS
    return result


def _plain_list(value: list[object], depth: int) -> list[object]:
    result = [plain(item, depth=depth + 1) for item in value[:_MOST_ITEMS]]
    if len(value) > _MOST_ITEMS:
        result.append(f"and {len(value) - _MOST_ITEMS} more")
    return result
