"""Plain values as text and back: what a step returns has to survive being stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from reliability.kernel.errors import Refused

BYTES_MAX = 4 * 1024 * 1024
"""Of one result, one payload, or the data a saga starts with. A history is read whole, and shown on a page."""


class NotStorable(Refused):
    """The value cannot be stored."""

    code = "not-storable"
    status = 422


def packed(value: object, *, bytes_max: int | None = BYTES_MAX) -> str:
    """Return the value as JSON; raises ``NotStorable`` with a sentence that says what is wrong with it.

    ``bytes_max`` None: what was let in piece by piece is written whole, however much it has become.
    """
    try:
        text = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError) as error:
        raise NotStorable(f"it cannot be stored as JSON: {error}") from error
    if bytes_max is not None and len(text) > bytes_max:
        raise NotStorable(f"it has {len(text):,} bytes as JSON, and at most {bytes_max:,} are kept")
    return text.decode()


def check_typed(value: object) -> None:
    """Raise ``NotStorable`` for what somebody typed and would not get back: numbers, too, that JSON does not have."""
    packed(value)
    try:
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise NotStorable(f"it cannot be stored as JSON: {error}") from error


def unpacked(text: str) -> Any:
    """Return the value in a text that ``packed`` made."""
    return orjson.loads(text)


def checked_result(result: object) -> Mapping[str, Any]:
    """Return a step's result as a mapping; raises ``NotStorable``."""
    if result is None:
        return {}
    if not isinstance(result, Mapping):
        raise NotStorable(f"a step returns a mapping to add to the data, or nothing; this is {type(result).__name__}")
    packed(dict(result))
    return result
