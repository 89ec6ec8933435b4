"""Which failures are the same: consumer group, error type, and the own frame or else the message without its values."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from dlq.domain import masking
from dlq.domain.stack import Frame

MESSAGE_CHARS_MAX = 300  # beyond, messages that begin alike are taken for one failure
TITLE_CHARS_MAX = 160
_HEX_DIGITS = 32

_VALUES = re.compile(
    r"""
      "[^"\n]*" | (?<!\w)'[^'\n]*'(?!\w) | `[^`\n]*`            # what stands in quotes
    | (?<![\w@:.+/-]) [\w@:.+/-]* \d [\w@:.+/-]*              # a word with a digit, with what joins ids, times, paths
    """,
    re.VERBOSE,
)
_QUOTES = "\"'`"
_QUOTE = re.compile(f"[{_QUOTES}]")


def normalised(message: str) -> str:
    """Return a message with each quoted text as ``<text>`` and each word that holds a digit as ``<n>``."""
    words = message[:MESSAGE_CHARS_MAX].split()
    if not _QUOTE.search(message):  # then no value spans words, and most words need no look
        return " ".join([word if word.isalpha() else _VALUES.sub(_without_value, word) for word in words])
    return _VALUES.sub(_without_value, " ".join(words))


def _without_value(match: re.Match[str]) -> str:
    word = match[0]
    if word[0] in _QUOTES:
        return "<text>"
    # What ends a sentence or introduces a value is no part of it: "order 17:" and "order 18" differ only in the number.
    return "<n>" + word[len(word.rstrip(".:")) :]


def fingerprint(*, group: str, error_type: str, frame: Frame | None, message: str, topic: str) -> str:
    """Return 32 hex digits that are equal for equal failures.

    The message counts only without a frame; the dead-letter topic only when nothing else is known.
    """
    where = frame.text if frame is not None else normalised(message)
    parts = [group, error_type, where]
    if not error_type and not where:
        parts.append(topic)
    return _digest("\x1f".join(parts))


@lru_cache(maxsize=4096)
def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_HEX_DIGITS]


def title(*, error_type: str, frame: Frame | None, message: str, topic: str) -> str:
    """Return the name of a failure group: ``PaymentTimeout in charge_card``. Everybody sees it: it holds no secret."""
    kind = short_type(error_type)
    what = normalised(masking.masked_text(message[:MESSAGE_CHARS_MAX]))
    if kind and frame is not None:
        text = f"{kind} in {frame.function}"
    elif kind and what:
        text = f"{kind}: {what}"
    else:
        text = kind or what or f"No reason given in {topic}"
    return text if len(text) <= TITLE_CHARS_MAX else text[: TITLE_CHARS_MAX - 1] + "…"


def short_type(error_type: str) -> str:
    """Return an exception's class without its package: ``PaymentTimeout`` for ``shop.errors.PaymentTimeout``."""
    return re.split(r"[./$+]", error_type.strip())[-1] if error_type.strip(" ./$+") else ""
