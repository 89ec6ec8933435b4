"""What a process that was forked must not share with its parent."""

from __future__ import annotations

from typing import Final

from django.db import connections

_of_the_parent: Final[list[object]] = []


def let_go_of_pools() -> None:
    """In a child: have a pool of connections of its own, and leave the parent's alone.

    Two processes must not speak on one connection, and to close it would be to speak: so it is only kept out of sight.
    """
    for alias in connections:
        pools = getattr(connections[alias], "_connection_pools", None)
        if pools:
            _of_the_parent.append(dict(pools))
            pools.clear()
