"""Reconciliations said in words and values instead of Python: conditions on a pair, and texts with places in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

from reliability.kernel.errors import MainstayError
from sagas.domain.reconciling.pair import Pair, Row, plain

Amount = Literal["nothing", "something", "several"]
_PLACE: Final = re.compile(r"\{(key|repair|expected\.[^{}]+|seen\.[^{}]+)\}")
_BRACE: Final = re.compile(r"[{}]")


class NoSuchField(MainstayError):
    """A row has not the field that the file names: a misspelled one would be a condition that is never true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What is true of a pair: every part that is given. Raises ``NoSuchField`` for a row without a field it names.

    A side is ``nothing``, ``something`` or ``several`` rows, or has a first row with these values, of which each may be
    a list of possible ones. ``differ``: fields of the expected and the seen row of which at least one differs.
    """

    expected: Amount | Mapping[str, Any] | None = None
    seen: Amount | Mapping[str, Any] | None = None
    differ: Sequence[tuple[str, str]] = ()

    def holds(self, pair: Pair) -> bool:
        """Return whether it is true."""
        expected, seen = plain(pair.expected), plain(pair.seen)
        if not (_fits(self.expected, expected) and _fits(self.seen, seen)):
            return False
        if not self.differ:
            return True
        if not expected or not seen:
            return False
        return any(not same(_field(expected[0], left), _field(seen[0], right)) for left, right in self.differ)


def _fits(wanted: Amount | Mapping[str, Any] | None, rows: Sequence[Row]) -> bool:
    if wanted is None:
        return True
    if isinstance(wanted, str):
        return {"nothing": not rows, "something": bool(rows), "several": len(rows) > 1}[wanted]
    return bool(rows) and all(_is_one_of(_field(rows[0], name), value) for name, value in wanted.items())


def _field(row: Row, name: str) -> Any:
    try:
        return row[name]
    except KeyError:
        raise NoSuchField(f"there is no field {name!r}; there are {', '.join(sorted(row)) or 'none'}") from None


def _is_one_of(value: object, wanted: object) -> bool:
    return any(same(value, each) for each in (wanted if isinstance(wanted, list) else [wanted]))


def same(one: object, other: object) -> bool:
    """Return whether two values say the same: a number by its value, also where one side tells it as a text.

    Two texts are compared as texts: 00123 and 123 are two references.
    """
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    if one is None or other is None or isinstance(one, bool) or isinstance(other, bool):
        return one is other or (isinstance(one, bool) and isinstance(other, bool) and one == other)
    left, right = _number(one), _number(other)
    return left == right if left is not None and right is not None else str(one) == str(other)


def _number(value: object) -> Decimal | None:
    if not isinstance(value, int | float | str):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def filled(said: Any, pair: Pair, *, repair: str = "") -> Any:
    """Return ``said`` with its places filled: ``{key}``, ``{expected.field}``, ``{seen.field}``, ``{repair}``.

    Fields are those of the first row of a side. A text that is one place and nothing else becomes the value itself,
    with its type; of a side without rows it is nothing, in a text "?". Raises ``NoSuchField``.
    """
    if isinstance(said, Mapping):
        return {name: filled(value, pair, repair=repair) for name, value in said.items()}
    if isinstance(said, list):
        return [filled(value, pair, repair=repair) for value in said]
    if not isinstance(said, str):
        return said
    whole = _PLACE.fullmatch(said)
    if whole is not None:
        return _value(whole[1], pair, repair)
    return _PLACE.sub(lambda place: _text(_value(place[1], pair, repair)), said)


def _value(place: str, pair: Pair, repair: str) -> Any:
    if place in ("key", "repair"):
        return pair.key if place == "key" else repair
    side, _, name = place.partition(".")
    rows = plain(pair.expected if side == "expected" else pair.seen)
    return _field(rows[0], name) if rows else None


def _text(value: object) -> str:
    return "?" if value is None else str(value)


def unknown_places(said: Any) -> list[str]:
    """Return what stands in braces in ``said`` and is no place."""
    if isinstance(said, Mapping):
        wrong = [name for name in said if _BRACE.search(str(name))]  # names are not filled
        return wrong + [each for value in said.values() for each in unknown_places(value)]
    if isinstance(said, list):
        return [each for value in said for each in unknown_places(value)]
    if not isinstance(said, str) or not _BRACE.search(_PLACE.sub("", said)):
        return []
    return [said]
