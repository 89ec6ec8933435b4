"""The process ``lag``: one poller for each cluster, alone by lease, that looks, judges and writes down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import structlog

from reliability.kafka import ports
from reliability.kernel import clock, failpoint
from reliability.kernel.text import printable
from reliability.lag.domain import schedule
from reliability.lag.operations import history, recording, upkeep
from reliability.lag.polling import concluding, remembering, topics
from reliability.lag.polling.reading import Look, Reader
from reliability.lag.polling.remembering import Memory
from reliability.locks import operations as locks

log = structlog.get_logger(__name__)

LEASE_S = 30.0
RENEW_AFTER_S = 10.0
WINDOWS_EVERY_S = 60.0  # how much a new poller must measure anew at most
UPKEEP_EVERY_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """Seconds between two looks: at the whole and at groups in motion, and at groups that stand still."""

    hot_s: float = 5.0
    quiet_s: float = 60.0


class Poller:
    """Polls one cluster. ``step`` does what is due and returns whether it did anything."""

    def __init__(
        self,
        cluster: str,
        *,
        make_admin: Callable[[], ports.GroupAdmin],
        intervals: Intervals,
        budget: schedule.Budget,
        time: clock.Clock = clock.SYSTEM,
    ) -> None:
        self._cluster = cluster
        self._make_admin = make_admin
        self._intervals = intervals
        self._budget = budget
        self._time = time
        self._owner = f"lag:{cluster}:{uuid4().hex[:12]}"
        self._lease: locks.Lease | None = None
        self._renewed_s = float("-inf")
        self._admin: ports.GroupAdmin | None = None
        self._memory = Memory()
        self._next_s = self._upkeep_s = float("-inf")
        self._failures = 0
        self._facts: dict[str, object] = {"cluster": cluster}

    def step(self) -> bool:
        """Look at what is due, unless another poller has the cluster. An error leaves the lease to whoever is first."""
        if not self._is_ours():
            self._facts = {"cluster": self._cluster, "waits": "another process polls this cluster"}
            return False
        now_s = self._time.monotonic()
        if now_s < self._next_s:
            return False
        self._keep_up(now_s)
        try:
            self._look(now_s)
        except (ports.Unavailable, ports.Unsupported) as error:
            self._failures += 1
            self._next_s = now_s + schedule.backoff_s(self._failures, hot_s=self._intervals.hot_s)
            recording.record_failure(cluster=self._cluster, now=self._time.now(), error=str(error))
            log.warning("lag_poll_failed", cluster=self._cluster, failures=self._failures, error=str(error))
            self._facts |= {"error": str(error)}
            return True
        self._failures = 0
        return True

    def facts(self) -> Mapping[str, object]:
        """Facts for the heartbeat."""
        return self._facts

    def close(self) -> None:
        """Write down what is remembered, give up the cluster, end the connections."""
        if self._lease is not None:
            try:
                self._flush(whole=True)
                locks.release(lease=self._lease)
            except locks.LeaseLost:
                pass
            self._lease = None
        if self._admin is not None:
            self._admin.close()
            self._admin = None

    # --- one look

    def _look(self, now_s: float) -> None:
        admin = self._admin = self._admin or self._make_admin()
        reader = Reader(admin, time=self._time)
        listed = {name: group for name, group in reader.groups().items() if printable(name) == name}
        due = self._due(listed, now_s)
        look = reader.look(listed, due=due, followed=self._memory.followed())
        self._memory.see_ends(look.stable, at_s=look.at_s)
        topics.refresh_retention(admin, self._memory, look, now_s=now_s)
        concluded = concluding.conclude(self._memory, look, due=due, now_s=now_s, windows_every_s=WINDOWS_EVERY_S)
        failpoint.reach("lag.before_record")
        self._write(look, concluded)
        for name in self._memory.passed_by(look.stable):
            self._memory.groups[name].is_hot = True
        spent = self._budget.spent(look.asked, at_s=now_s)
        self._next_s = now_s + self._intervals.hot_s * spent.stretch
        self._facts = {
            "cluster": self._cluster,
            "groups": len(listed),
            "looked_at": len(due),
            "hot": sum(1 for group in self._memory.groups.values() if group.is_hot),
            "partitions": len(look.stable),
            "took_ms": round(look.took_s * 1000),
            "requests_per_minute": spent.per_minute,
            "stretch": spent.stretch,
        }
        recording.record_poll(
            cluster=self._cluster, now=self._time.now(), took_s=look.took_s, facts=self._facts
        )

    def _due(self, listed: Mapping[str, ports.GroupListing], now_s: float) -> list[str]:
        """Hot groups, quiet ones whose time has come, and those whose listed state is another one by now."""
        due = []
        for name, listing in listed.items():
            group = self._memory.of(name)
            interval_s = self._intervals.hot_s if group.is_hot else self._intervals.quiet_s
            changed = group.description is not None and group.description.state != listing.state
            if changed or now_s - group.looked_s >= interval_s - self._intervals.hot_s / 2:
                due.append(name)
        return due

    def _write(self, look: Look, concluded: concluding.Concluded) -> None:
        if self._lease is None:
            return
        ids = recording.record(
            lease=self._lease,
            cluster=self._cluster,
            groups=concluded.groups,
            topics=topics.states(self._memory, look, now=self._time.now()) if concluded.whole else (),
            happened=concluded.happened,
        )
        for name, group_id in ids.items():
            if name in self._memory.groups:
                self._memory.groups[name].id = group_id
        history.write_minutes(concluding.ended(self._memory, at_s=look.at_s))

    def _flush(self, *, whole: bool) -> None:
        history.write_minutes(concluding.ended(self._memory, at_s=float("inf") if whole else 0.0))

    # --- around it

    def _is_ours(self) -> bool:
        """Take or keep the lease; whoever takes it reads what the poller before wrote down."""
        now_s = self._time.monotonic()
        if self._lease is not None and now_s - self._renewed_s < RENEW_AFTER_S:
            return True
        try:
            if self._lease is not None:
                self._lease = locks.renew(lease=self._lease, ttl_s=LEASE_S)
        except locks.LeaseLost:
            log.warning("lag_lease_lost", cluster=self._cluster)
            self._lease = None
        if self._lease is None:
            self._lease = locks.acquire(name=f"lag:{self._cluster}", owner=self._owner, ttl_s=LEASE_S)
            if self._lease is None:
                return False
            recording.ensure_cluster(cluster=self._cluster)
            self._memory = remembering.restore(self._cluster)
            self._next_s = float("-inf")
        self._renewed_s = now_s
        return True

    def _keep_up(self, now_s: float) -> None:
        if now_s - self._upkeep_s < UPKEEP_EVERY_S:
            return
        self._upkeep_s = now_s
        now = self._time.now()
        upkeep.keep_up(now=now)
        history.roll_up(now=now)
        recording.forget_old(now=now - timedelta(0))
