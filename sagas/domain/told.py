"""What a step's code does, in the words that its author gave it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any, Final

CHARACTERS_MAX: Final = 160
_RAISES: Final = re.compile(r"[.;,]?\s*raises\b.*", re.IGNORECASE | re.DOTALL)
_SENTENCE: Final = re.compile(r"(?<=[.!?])\s.*", re.DOTALL)


def says(work: Callable[..., Any] | None) -> str:
    """Return the first sentence of a function's docstring, without what it raises; "" where there is none.

    Only of what was written as a function: the docstring of a partial or of an object tells of its class.
    """
    if not inspect.isroutine(work):
        return ""
    line = (inspect.getdoc(work) or "").partition("\n")[0].replace("`", "")
    sentence = _SENTENCE.sub("", _RAISES.sub("", line)).strip().rstrip(".")
    return sentence if len(sentence) <= CHARACTERS_MAX else sentence[: CHARACTERS_MAX - 1].rstrip() + "…"
