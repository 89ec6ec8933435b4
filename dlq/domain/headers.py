"""Headers made readable, one row each, in order; doubled names stay two rows, NULL is not empty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dlq.domain import masking, payload, strip
from reliability.kernel import text as texts
from reliability.kernel.record import Header

NAME_CHARS_MAX = 200
VALUE_CHARS_MAX = 4_000
HEX_BYTES_MAX = 256
_NUMBER_SIZES = (4, 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A header as it is shown. ``hex`` holds its first bytes, also of text; ``number`` is what 4 or 8 bytes are."""

    name: str
    text: str
    hex: str
    size: int
    is_null: bool
    number: int | None
    is_cut: bool
    is_masked: bool
    is_left_out: bool
    """A replay does not send it: it tells of the failure, or is written anew."""


def view(headers: Sequence[Header], *, dialect: str, mask: bool = False) -> tuple[Row, ...]:
    """Return every header as shown; with ``mask`` those that look secret by their name or value show dots."""
    return tuple(_row(name, value, dialect=dialect, mask=mask) for name, value in headers)


def _row(name: str, value: bytes | None, *, dialect: str, mask: bool) -> Row:
    plain = value or b""
    is_text = payload.is_text(plain)
    text = texts.printable(plain, limit=VALUE_CHARS_MAX) if is_text else ""
    shown = masking.MASK if mask and plain and masking.is_secret(name) else masking.masked_text(text) if mask else text
    is_masked = shown != text
    return Row(
        name=texts.printable(name, limit=NAME_CHARS_MAX),
        text=shown,
        hex="" if is_masked else plain[:HEX_BYTES_MAX].hex(" "),
        size=len(plain),
        is_null=value is None,
        number=int.from_bytes(plain, "big", signed=True) if not is_text and len(plain) in _NUMBER_SIZES else None,
        is_cut=len(plain) > (VALUE_CHARS_MAX if is_text else HEX_BYTES_MAX),
        is_masked=is_masked,
        is_left_out=not strip.stripped([(name, value)], dialect=dialect),
    )
