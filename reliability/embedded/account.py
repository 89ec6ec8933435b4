"""The account PostgreSQL runs under: it refuses root, so there it needs another one that already exists."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reliability.embedded.refusal import Refusal

# In this order; none is ever created. `postgres` exists where the system's own PostgreSQL is installed.
CANDIDATES = ("postgres", "nobody", "daemon")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An existing account of this machine."""

    name: str
    uid: int
    gid: int

    @property
    def identity(self) -> str:
        """The form `launch.py` takes."""
        return f"{self.uid}:{self.gid}"


def without_root(*, candidates: Sequence[str] = CANDIDATES) -> Account | None:
    """The account to run a server under that refuses root; None when the present one will do."""
    if os.geteuid() != 0:
        return None
    for name in candidates:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise Refusal(
        "PostgreSQL does not run as root and none of the accounts "
        f"{', '.join(candidates)} exists here: start as an ordinary user, or set DATABASE_URL."
    )


def can_reach(account: Account | None, path: Path) -> bool:
    """Whether the account may pass every folder above `path`, and enter (folder) or run (file) `path` itself."""
    if account is None:
        return os.access(path, os.X_OK)
    resolved = path.resolve()
    return all(_may_pass(account, step) for step in (resolved, *resolved.parents))


def _may_pass(account: Account, path: Path) -> bool:
    status = path.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
