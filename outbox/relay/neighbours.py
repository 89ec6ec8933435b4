"""Relays of the same machine: one that died there need not be waited for until its lease ends.

Known only where Linux tells which machine, boot and process namespace this is; elsewhere the lease's end is waited for.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterable
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")
_DIGITS = 8


def host() -> str:
    """Return this host's name and, where known, a mark of its boot and process namespace: equal marks share pids."""
    try:
        place = _BOOT.read_text().strip() + os.readlink(_NAMESPACE)
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()} {hashlib.sha256(place.encode()).hexdigest()[:_DIGITS]}"


def dead(members: Iterable[tuple[str, str, int]], *, here: str) -> set[str]:
    """Return the owners, of (owner, host, pid), whose process ran here and is gone. A reused pid counts as living."""
    if " " not in here:
        return set()
    return {owner for owner, where, pid in members if where == here and not _lives(pid)}


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
