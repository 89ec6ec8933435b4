"""The shards that this relay owns, and how long it may believe so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import structlog
from django.db import connection

from outbox.relay import guard, journal, leases
from outbox.relay.shard import Shard
from outbox.relay.topics import UnknownYet
from reliability.kernel import backoff, clock
from reliability.kernel.errors import Transient

log = structlog.get_logger(__name__)

GUARD_EVERY_S = 30.0
LEASE_MARGIN_S = 1.0  # stop this long before the lease ends by our clock
BURIAL_S = 1.0  # between two looks at a dead neighbour: what it had sent has reached the broker by then
BACKOFF_BASE_S = 0.2
BACKOFF_CAP_S = 10.0

Place = tuple[str, str, int]
"""Where a shard stands: snapshot A, the end B of a window begun or "", the last id sent in it."""


class LeaseLost(Transient):
    """The leases could not be renewed in time."""


class Holdings:
    """Keeps the leases. What it says is what the database said at most some seconds ago."""

    def __init__(self, *, me: leases.Identity, outbox: str, time: clock.Clock, random: Callable[[], float]) -> None:
        self.me = me
        self.outbox = outbox
        self.shards: dict[int, Shard] = {}
        self._time = time
        self._random = random
        self._checked_s = self._kept_s = float("-inf")
        self._suspects: frozenset[str] = frozenset()

    def keep(self) -> None:
        """Renew the leases when it is time; raise ``LeaseLost`` when they have run out, as far as we know."""
        now_s = self._time.monotonic()
        if now_s - self._kept_s < leases.KEEP_EVERY_S:
            return
        if self.outdated():
            raise LeaseLost
        before = set(self.shards)
        self._suspects = leases.keep(self.me, self.shards, suspects=self._suspects)
        # Of a relay that died on this machine we want to know soon whether it is really gone.
        self._kept_s = now_s - leases.KEEP_EVERY_S + BURIAL_S if self._suspects else now_s
        if before != set(self.shards):
            log.info("shards_owned", shards=sorted(self.shards), before=sorted(before))

    def outdated(self) -> bool:
        """Whether the leases have run out unrenewed: this process stood still, or the database did."""
        return bool(self.shards) and self._time.monotonic() - self._kept_s > leases.LEASE_S - LEASE_MARGIN_S

    def check_database(self) -> None:
        """Now and then, see that the database is the one it was; raises ``guard.Halted`` and ``guard.WrongOutbox``."""
        now_s = self._time.monotonic()
        if now_s - self._checked_s >= GUARD_EVERY_S:
            guard.check(outbox=self.outbox)
            self._checked_s = now_s

    def leave(self) -> None:
        """Give everything back."""
        leases.leave(self.me, self.shards)

    def owns(self, shard: Shard) -> bool:
        """Whether this very lease of the shard is still ours."""
        return self.shards.get(shard.id) is shard

    def drop(self, shard: Shard) -> None:
        """Forget a shard: it is another's, or its row is to be read anew."""
        if self.owns(shard):
            del self.shards[shard.id]

    def forget(self) -> None:
        """Forget everything: after an error only the database is believed."""
        self.shards.clear()
        self._checked_s = self._kept_s = float("-inf")
        if not connection.in_atomic_block:
            connection.close()

    def due(self) -> list[Shard]:
        """The shards that are neither paused nor waiting."""
        now_s = self._time.monotonic()
        return [shard for shard in self.shards.values() if not shard.paused and shard.retry_at_s <= now_s]

    def by_place(self) -> dict[Place, list[Shard]]:
        """The idle ones among them, by where they stand: those at the same place are read with one query."""
        groups: dict[Place, list[Shard]] = defaultdict(list)
        for shard in self.due():
            if not shard.busy:
                groups[shard.snapshot, shard.window_end, shard.after_id].append(shard)
        return groups

    def postpone(self, shards: Sequence[Shard], error: Exception) -> None:
        """Let shards wait, longer after each failure; nothing of theirs is dropped."""
        waits: list[tuple[Shard, float]] = []
        for shard in shards:
            shard.failures += 1
            wait_s = backoff.delay_s(
                attempt=shard.failures, base_s=BACKOFF_BASE_S, cap_s=BACKOFF_CAP_S, random=self._random
            )
            if isinstance(error, UnknownYet):  # what there is no topic for is parked then, and the others go on
                wait_s = min(wait_s, error.left_s)
            shard.retry_at_s = self._time.monotonic() + wait_s
            waits.append((shard, wait_s))
        journal.fail(waits, error=str(error))
        log.warning("shards_wait", shards=[shard.id for shard in shards], error=str(error))
