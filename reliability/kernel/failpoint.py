"""Places at which a test may let the process die, as a power cut would. Inert unless ``MAINSTAY_FAILPOINT`` is set."""

from __future__ import annotations

import os

EXIT_CODE = 9

_name, _, _count = os.environ.get("MAINSTAY_FAILPOINT", "").partition(":")
_left = int(_count or 1)


def reach(name: str) -> None:
    """End the process at once, nothing flushed, if this is the place (``name`` or ``name:n`` for the n-th time)."""
    global _left
    if name != _name:
        return
    _left -= 1
    if _left <= 0:
        os._exit(EXIT_CODE)
