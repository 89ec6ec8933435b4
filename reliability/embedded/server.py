"""What the three embedded servers have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from reliability.embedded.child import Child

# Tells a person what is being fetched or made; one short line each.
Say = Callable[[str], None]


class Server(Protocol):
    """One server: made ready (may take long, any thread), started as a child (main thread), asked until it answers."""

    name: str

    def prepare(self, say: Say) -> None:
        """Find or fetch the program and make its data; raises `Refusal` when it cannot be had."""

    def child(self) -> Child:
        """The process to start; called once, after `prepare`."""

    def answers(self) -> bool:
        """Whether the server accepts clients now."""

    def url(self) -> str:
        """The address clients use."""
