"""What the two sides say of one key, and a hash of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

Row = Mapping[str, Any]
"""What a side says of a key, as plain values: texts, numbers, booleans, times, None."""
ROWS_MAX = 50  # of one key on one side: what a person can still look at; more are a wrong key


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One key on both sides. A side may have nothing of it, or several rows."""

    key: str
    expected: Sequence[Row] = ()
    seen: Sequence[Row] = ()

    @property
    def is_gone(self) -> bool:
        """Whether neither side knows the key."""
        return not self.expected and not self.seen


def plain(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return rows as JSON knows them: a time is a text; raises ``TypeError`` for what is no plain value."""
    packed = orjson.dumps([dict(row) for row in rows], option=orjson.OPT_NON_STR_KEYS, default=_as_text)
    found: list[dict[str, Any]] = orjson.loads(packed)
    return found


def fingerprint(pair: Pair) -> str:
    """A short hash of what both sides say: the same while nothing changes on either."""
    packed = orjson.dumps([pair.key, plain(pair.expected), plain(pair.seen)], option=orjson.OPT_SORT_KEYS)
    return blake2b(packed, digest_size=12).hexdigest()


def _as_text(value: object) -> str:
    from decimal import Decimal

    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} is no plain value")
