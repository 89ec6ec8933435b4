"""What a caller hears of a breaker."""

from __future__ import annotations

from reliability.kernel.errors import Postponed


class BreakerOpen(Postponed):
    """The call was not made: its breaker is open, or lets only a part of the calls pass.

    ``retry_after_s``: when asking again may be worth it; ``reason``: why it is open, in a sentence.
    """

    def __init__(self, name: str, retry_after_s: float, reason: str) -> None:
        self.name, self.retry_after_s, self.reason = name, retry_after_s, reason

    def __str__(self) -> str:
        """Return what happened and when to ask again."""
        return f"{self.name} was not called: {self.reason}; ask again in {self.retry_after_s:.1f} s"
