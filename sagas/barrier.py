"""For those whom a saga calls: do each work once, undo only what was done, and refuse what comes after its undo.

Three things go wrong between a saga and a service it calls: a request comes twice; an undo comes for a request that
never arrived; the request arrives after its undo. One table row per key, in the transaction of the work, rules out all
three (the sub-transaction barrier of DTM).
"""

from __future__ import annotations

from django.db import connection

from reliability.kernel.errors import MainstayError, Permanent

_ENTER = """
INSERT INTO sagas_barrier (work, side, at) VALUES (%s, %s, clock_timestamp()) ON CONFLICT (work) DO NOTHING
"""
_SIDE = "SELECT side FROM sagas_barrier WHERE work = %s"
KEY_CHARACTERS_MAX = 400


class NotInTransaction(MainstayError):
    """The barrier needs an open transaction: its row must live or die with the work that it guards."""


class WrongKey(Permanent):
    """This is no idempotency key of a saga's step."""


def enter(key: str) -> bool:
    """Return True if the work with this key shall be done now, inside the caller's transaction.

    False: it was done before; or it is an undo of what never was done; or it was undone before it came. Each is a
    success for the caller: nothing is left to do. Raises ``NotInTransaction`` and ``WrongKey``.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction
    parts = key.split(":")
    if len(key) > KEY_CHARACTERS_MAX or len(parts) not in (3, 4) or parts[2] not in ("do", "undo") or "\x00" in key:
        raise WrongKey(f"{key[:60]!r} is no key: <saga>:<step>:<do or undo>")
    with connection.cursor() as cursor:
        if parts[2] == "undo":
            work = ":".join([*parts[:2], "do", *parts[3:]])
            cursor.execute(_ENTER, [work, "undo"])
            cursor.execute(_SIDE, [work])
            if cursor.fetchone() == ("undo",):  # the work never came, and from now on it is refused
                return False
        cursor.execute(_ENTER, [key, parts[2]])
        return bool(cursor.rowcount)
