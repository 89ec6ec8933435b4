"""Hostile bytes as text that a database column, a log line and a page can hold."""

from __future__ import annotations

import re

# Control characters but tab and newline, bidirectional overrides and isolates, zero-width and byte-order marks.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL_PICTURES = 0x2400
_DELETE_PICTURE = "\u2421"


def is_storable(value: str) -> bool:
    """Whether PostgreSQL's text and UTF-8 have room for it: no NUL, no surrogate without its other half."""
    return "\x00" not in value and not _SURROGATE.search(value)


def printable(value: bytes | str | None, *, limit: int) -> str:
    """Return at most ``limit`` characters of ``value`` with nothing invisible in it; ``None`` becomes "".

    Bytes are read as UTF-8; what is not UTF-8 shows as U+FFFD. Control characters become their control pictures,
    other invisible ones ``<U+202E>``. For looking only: what is sent never comes from here.
    """
    if value is None:
        return ""
    if isinstance(value, bytes):
        # A character takes up to four bytes: decode no more than can be shown.
        value = value[: limit * 4].decode("utf-8", errors="replace")
    shown = value[:limit]
    return shown if shown.isprintable() else _INVISIBLE.sub(_visible, shown)[:limit]  # most texts hide nothing


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    if code == 0x7F:
        return _DELETE_PICTURE
    return f"<U+{code:04X}>"
