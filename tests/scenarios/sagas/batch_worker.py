"""A worker of acts in bulk in a process of its own: does item after item of one batch until none is left for it."""

from __future__ import annotations

import os
import signal
import sys
from uuid import UUID

import django

SLEEPS = "sleeps"


def main(batch_id: str, how: str = "") -> None:
    """Work until there is nothing more to do here; one that sleeps stops itself within its second item."""
    django.setup()
    from sagas.operations import batches
    from sagas.operations.batches import working

    if how == SLEEPS:
        left = iter((False, True))

        def reach(name: str) -> None:
            if name == "batch.item" and next(left, False):
                os.kill(os.getpid(), signal.SIGSTOP)

        working.failpoint.reach = reach
    while batches.step(UUID(batch_id)):
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
