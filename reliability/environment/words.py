"""Lists and objects in environment variables: words with commas between them, and JSON."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_settings import NoDecode


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Words = Annotated[list[str], NoDecode, BeforeValidator(_split)]


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """The last of two of one name would be taken in silence, the other one forgotten."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for at, (name, _) in enumerate(pairs) if name in dict(pairs[:at]))
        raise ValueError(f"{twice[:80]!r} is there twice")
    return found


def _object(value: object) -> object:
    """From a variable, and from a file alike."""
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value, object_pairs_hook=_unique) if value.strip() else {}
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError("is no JSON object, which begins with { and ends with }")
    return found


Json = (NoDecode, BeforeValidator(_object))
"""For Annotated[dict[...], *Json]."""
