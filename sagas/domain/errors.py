"""What a step may raise besides ``Transient`` and ``Permanent``."""

from __future__ import annotations

from reliability.kernel.errors import MainstayError


class Unknown(MainstayError):
    """Nobody knows whether it happened: there was no answer."""
