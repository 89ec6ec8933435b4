"""Becomes a child program that dies with its parent: run as a script, before the program itself takes the process over.

`launch.py PARENT_PID DEATH_SIGNAL UID:GID|- PROGRAM ARGUMENT...`. Standard library only: runs as `python -I -S`. A
script instead of `preexec_fn`, because Python code between fork and exec of a threaded process may deadlock.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PARENT_IS_GONE = 143


def become_account(identity: str) -> None:
    """Drop to `UID:GID` with no other groups; `-` keeps the present account."""
    if identity == "-":
        return
    uid, gid = (int(part) for part in identity.split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def die_with_parent(parent: int, signal_number: int) -> None:
    """Ask the kernel to send `signal_number` when the parent ends; without effect where the kernel has no such call.

    Comes after the change of account, which would clear it again.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the call above
        sys.exit(PARENT_IS_GONE)


def main(arguments: list[str]) -> None:
    """Take the identity, tie the life to the parent's, become the program."""
    parent, signal_number, identity, *program = arguments
    become_account(identity)
    die_with_parent(int(parent), int(signal_number))
    os.execvp(program[0], program)


if __name__ == "__main__":
    main(sys.argv[1:])
