"""How passwords are kept: Argon2, as Django has it, a few at once."""

from __future__ import annotations

import threading

from django.contrib.auth.hashers import Argon2PasswordHasher

AT_ONCE = 2
"""Each takes 100 MiB while it works, and it is strangers who decide how many passwords are tried at the same time."""
_PLACES = threading.BoundedSemaphore(AT_ONCE)


class Argon2(Argon2PasswordHasher):
    """Django's, whose memory is bounded; who comes third waits for some tenths of a second."""

    def encode(self, password: str, salt: str) -> str:
        """Return the hash of a password."""
        with _PLACES:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Whether it is the password of this hash."""
        with _PLACES:
            return super().verify(password, encoded)
