"""What came of one try to deliver a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TEXT_CHARS_MAX: Final = 300
_ASKS_TO_WAIT: Final = {408, 425, 429}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Whether it was taken, and what was said. ``retry_after_s``: what the other side asked for.

    ``is_final``: no other try could end otherwise, so there is none.
    """

    is_taken: bool
    text: str
    status: int | None = None
    retry_after_s: float | None = None
    is_final: bool = False


def of_status(status: int, *, retry_after: str = "") -> Answer:
    """Return what an HTTP status means. Nothing of the other side's body is kept: it may hold anything.

    What is refused (4xx) is tried again, too, only as rarely as can be: a wrong key is put right within the day.
    """
    if 200 <= status < 300:
        return Answer(is_taken=True, text=f"taken ({status})", status=status)
    if 300 <= status < 400:
        text = f"answers with a redirect ({status}), which is not followed: name the address it leads to"
        return Answer(is_taken=False, text=text, status=status)
    waits = float(retry_after) if retry_after.isascii() and retry_after.isdecimal() and len(retry_after) < 7 else None
    if status in _ASKS_TO_WAIT or status >= 500:
        return Answer(is_taken=False, text=f"cannot take it now ({status})", status=status, retry_after_s=waits)
    return Answer(
        is_taken=False, text=f"refuses it ({status}): look at the channel's address and secret", status=status
    )
