"""Dead relays of the same machine."""

from __future__ import annotations

import os
import subprocess
import sys

from outbox.relay import neighbours


def gone() -> int:
    """The number of a process that has ended."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_only_a_process_of_this_machine_that_is_gone_is_dead():
    here, pid = neighbours.host(), gone()
    members = [("mine", here, os.getpid()), ("dead", here, pid), ("elsewhere", "other 12345678", pid)]
    assert neighbours.dead(members, here=here) == {"dead"}


def test_where_the_machine_cannot_be_told_nobody_is_called_dead():
    assert neighbours.dead([("dead", "host", gone())], here="host") == set()
