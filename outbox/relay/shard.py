"""One owned shard as its relay knows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from outbox.domain.planning import Lane

if TYPE_CHECKING:
    from outbox.relay.batch import Batch


@dataclass(slots=True, eq=False)
class Shard:
    """Taken from its row when the lease is taken; from then on this is ahead of the row, and the row is what a
    successor starts from. ``epoch`` fences every write. ``batch`` is one that was begun and is not yet recorded.
    """

    id: int
    epoch: int
    snapshot: str
    window_end: str
    after_id: int
    pending: dict[str, Any] | None
    numbers: dict[str, Any]
    paused: bool
    failures: int
    lanes: set[Lane] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    """Topics of which events wait for a breaker, as far as is known."""
    retry_at_s: float = 0.0
    batch: Batch | None = None

    @property
    def busy(self) -> bool:
        """Whether something is on its way or half done: such a shard drains before it is handed over."""
        return self.pending is not None or self.batch is not None

    @property
    def numbers_ahead(self) -> dict[str, Any]:
        """The numbers as they will be when the batch on its way is finished."""
        return self.numbers if self.batch is None else self.batch.numbering.state()

    def began(self, batch: Batch) -> None:
        """The batch was written down and may be sent."""
        self.batch = batch
        self.window_end = batch.window_end
        self.lanes |= batch.plan.closed
        self.waiting |= {row.topic for row in batch.plan.waits}

    def finished(self, batch: Batch) -> None:
        """The batch was sent, and that is written down."""
        self.numbers = batch.numbering.state()
        self.batch = self.pending = None
        self.failures = 0
        self.reached(window_end=batch.window_end, last_id=batch.last_id, ended=batch.ended)

    def reached(self, *, window_end: str, last_id: int, ended: bool) -> None:
        """Move on: past ``last_id`` in the window, or past the whole of it."""
        if ended:
            self.snapshot, self.window_end, self.after_id = window_end, "", 0
        else:
            self.window_end, self.after_id = window_end, last_id
