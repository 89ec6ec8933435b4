"""The form of API tokens: ``mst_`` and 32 random bytes; only their SHA-256 is kept."""

from __future__ import annotations

import hashlib

PREFIX = "mst_"
RANDOM_BYTES = 32
SHOWN = 10  # characters kept readable, to recognise a token in a list
_LONGEST = 200


def digest(token: str, *, prefix: str = PREFIX) -> bytes | None:
    """The SHA-256 a token is found by; None for text that cannot be one of ours.

    A plain hash will do: the token is 256 random bits, so there is nothing to guess and nothing to slow down.
    """
    if not token.startswith(prefix) or len(token) > _LONGEST or not token.isascii():
        return None
    return hashlib.sha256(token.encode("ascii")).digest()


def shown(token: str) -> str:
    """The readable start of a token."""
    return token[:SHOWN]
