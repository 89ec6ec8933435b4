"""The process ``lag``: one poller for each cluster, alone by lease, that looks, judges and writes down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from uuid import uuid4

import structlog

from reliability.kafka import ports
from reliability.kernel import clock, failpoint
from reliability.kernel.text import printable
from reliability.lag.domain import schedule
from reliability.lag.domain.history import Bucket
from reliability.lag.operations import history, recording, resets, upkeep
from reliability.lag.operations.recording import TopicState
from reliability.lag.polling import minutes, remembering, telling
from reliability.lag.polling.concluding import Concluded, Context, conclude
from reliability.lag.polling.markers import Markers
from reliability.lag.polling.reading import Look, Reader
from reliability.lag.polling.remembering import Memory
from reliability.lag.polling.sharing import give_back
from reliability.lag.polling.spending import Spending
from reliability.lag.polling.topics import Retentions, Topics
from reliability.lag.polling.transactions import Transactions
from reliability.locks import operations as locks

log = structlog.get_logger(__name__)

LEASE_S = 30.0
RENEW_AFTER_S = 10.0
TRY_EVERY_S = 5.0  # by those that wait for the lease
SETTLE_EVERY_S = 10.0
UPKEEP_EVERY_S = 600.0
NAME_CHARS_MAX = 500  # longer names do not fit an index; those with a NUL cannot be stored at all: both are left out
UNLIMITED = schedule.Budget(per_minute=None)


class Poller:
    """Polls one cluster. ``step`` does what is due and returns whether it did anything."""

    def __init__(
        self,
        cluster: str,
        *,
        make_admin: Callable[[], ports.GroupAdmin],
        make_reader: Callable[[], ports.Reader] | None = None,
        intervals: schedule.Intervals = schedule.DEFAULT,
        budget: schedule.Budget = UNLIMITED,
        time: clock.Clock = clock.SYSTEM,
    ) -> None:
        self._cluster = cluster
        self._make_admin = make_admin
        self._markers = Markers(make_reader)
        self._intervals = intervals
        self._budget = budget
        self._time = time
        self._owner = f"lag:{cluster}:{uuid4().hex[:12]}"
        self._lease: locks.Lease | None = None
        self._renewed_s = self._tried_s = float("-inf")
        self._admin: ports.GroupAdmin | None = None
        self._retentions: Retentions | None = None
        self._transactions: Transactions | None = None
        self._memory = Memory()
        self._topics = Topics()
        self._next_s = self._whole_s = self._upkeep_s = self._settled_s = float("-inf")
        self._looked_at = time.now()
        self._is_doubtful = False
        self._failures = 0
        self._spending = Spending()
        self._stretch = 1.0
        self._facts: dict[str, object] = {"cluster": cluster}

    def step(self) -> bool:
        """Look at what is due, unless another poller has the cluster. An error leaves the lease to whoever is first."""
        try:
            return self._step()
        finally:
            give_back()

    def _step(self) -> bool:
        if self._is_doubtful:
            self._remember()
            self._is_doubtful = False
        if not self._is_ours():
            self._facts = {"cluster": self._cluster, "waits": "another process polls this cluster"}
            return False
        now_s = self._time.monotonic()
        if now_s < self._next_s:
            return False
        self._keep_up(now_s)
        give_back()
        try:
            self._look(now_s)
        except (ports.Unavailable, ports.Unsupported) as error:
            self._failures += 1
            self._next_s = now_s + schedule.retry_s(failures=self._failures, intervals=self._intervals)
            recording.record_failure(cluster=self._cluster, now=self._time.now(), error=str(error))
            log.warning("lag_poll_failed", cluster=self._cluster, failures=self._failures, error=str(error))
            self._facts |= {"error": printable(str(error), limit=NAME_CHARS_MAX)}
            return True
        except locks.LeaseLost:
            log.warning("lag_lease_lost", cluster=self._cluster)
            self._lease = None
            return False
        except BaseException:
            # What was concluded may not have been written: else an alert that nobody was told of would count as told.
            self._is_doubtful = True
            raise
        self._failures = 0
        return True

    def facts(self) -> Mapping[str, object]:
        """Facts for the heartbeat."""
        return self._facts

    def close(self) -> None:
        """Write down what is remembered, give up the cluster, end the connections."""
        if self._lease is not None:
            try:
                self._flush(self._lease)
                locks.release(lease=self._lease)
            except locks.LeaseLost:
                pass
            self._lease = None
        self._markers.close()
        if self._admin is not None:
            self._admin.close()
            self._admin = None

    # --- one look

    def _look(self, now_s: float) -> None:
        admin = self._admin = self._admin or self._make_admin()
        retentions = self._retentions = self._retentions or Retentions(admin)
        transactions = self._transactions = self._transactions or Transactions(admin)
        reader = Reader(admin, between=self._still_ours, time=self._time)
        everyone = reader.groups()
        listed = {name: group for name, group in everyone.items() if printable(name, limit=NAME_CHARS_MAX) == name}
        is_whole = now_s - self._whole_s >= self._intervals.quiet_s
        due = list(listed) if is_whole else self._due(listed)
        began = self._time.now()
        look = reader.look(listed, due=due, followed=self._memory.followed(but=set(due)))
        remembering.measure_anew(self._memory, self._cluster, since=self._looked_at)
        self._looked_at = began
        self._memory.see_ends(look.stable, at_s=look.at_s)
        give_back()
        retentions.refresh(self._memory, look, now_s=now_s)
        context = Context(
            look=look,
            memory=self._memory,
            now=self._time.now(),
            offsets_kept_s=self._memory.offsets_kept_s,
            markers=self._markers,
            transactions=transactions,
            rules=telling.rules(),
            muted=remembering.muted(self._cluster),
        )
        self._markers.begin()
        give_back()
        concluded = conclude(context, due=due, with_windows=is_whole)
        self._still_ours()
        failpoint.reach("lag.before_record")
        self._write(look, concluded, is_whole=is_whole)
        for name in self._memory.passed_by(look.stable, but=set(due)):
            self._memory.groups[name].is_hot = True
        if is_whole:
            self._whole_s = now_s
        self._settle(admin, now_s)
        load = self._budget.load(self._spending.per_minute(look.asked, now_s=now_s, stretch=self._stretch))
        self._stretch = load.stretch
        self._next_s = now_s + self._intervals.hot_s * self._stretch
        self._facts = self._told(look, left_out=len(everyone) - len(listed), due=len(due), load=load)
        recording.record_poll(
            cluster=self._cluster,
            now=self._time.now(),
            took_s=look.took_s,
            groups=len(look.listed),
            partitions=len(look.stable),
            facts=self._facts,
        )

    def _settle(self, admin: ports.GroupAdmin, now_s: float) -> None:
        """Tell what became of resets that nobody knows of. The look is good without it: another one follows."""
        if now_s - self._settled_s < SETTLE_EVERY_S:
            return
        self._settled_s = now_s
        try:
            resets.settle(cluster=self._cluster, admin=admin, now=self._time.now())
        except (ports.Unavailable, ports.Unsupported) as error:
            log.info("lag_resets_not_settled", cluster=self._cluster, error=str(error))

    def _due(self, listed: Mapping[str, ports.GroupListing]) -> list[str]:
        """Groups in motion, new ones, and those whose listed state is another one by now."""
        return [
            name
            for name, listing in listed.items()
            if (group := self._memory.groups.get(name)) is None or group.is_hot or group.state != listing.state
        ]

    def _told(self, look: Look, *, left_out: int, due: int, load: schedule.Load) -> dict[str, object]:
        return {
            "cluster": self._cluster,
            "groups": len(look.listed),
            "left_out": left_out,
            "looked_at": due,
            "hot": sum(1 for group in self._memory.groups.values() if group.is_hot),
            "partitions": len(look.stable),
            "took_ms": round(look.took_s * 1000),
            "asks": load.text,
            "stretch": round(load.stretch, 2),
        }

    def _write(self, look: Look, concluded: Concluded, *, is_whole: bool) -> None:
        if self._lease is None:
            return
        now = self._time.now()
        new: Sequence[TopicState] = ()
        same: Sequence[str] = ()
        if is_whole:
            new, same = self._topics.states(self._memory, look, now=now, now_s=self._time.monotonic())
        ids = recording.record(
            lease=self._lease,
            cluster=self._cluster,
            now=now,
            groups=concluded.groups,
            unchanged=concluded.unchanged,
            topics=new,
            same_topics=same,
            happened=concluded.happened,
            alerts=concluded.alerts,
        )
        for name, group_id in ids.items():
            if name in self._memory.groups:
                self._memory.groups[name].id = group_id
        known = {name: group.id for name, group in self._memory.groups.items() if group.id is not None}
        self._write_minutes(concluded.minutes, {**known, **ids})

    def _write_minutes(self, over: Iterable[tuple[str, str, Bucket]], ids: Mapping[str, int]) -> None:
        """Of groups that have a row: all that were looked at, for their rows were written before."""
        history.write_minutes([(ids[name], topic, bucket) for name, topic, bucket in over if name in ids])

    def _flush(self, lease: locks.Lease) -> None:
        known = {name: group for name, group in self._memory.groups.items() if group.id is not None}
        recording.keep_windows(
            lease=lease, windows={group.id: group.window.pack() for group in known.values() if group.id is not None}
        )
        ids = {name: group.id for name, group in known.items() if group.id is not None}
        self._write_minutes(minutes.unfinished(self._memory), ids)

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
            if now_s - self._tried_s < TRY_EVERY_S:
                return False
            self._tried_s = now_s
            self._lease = locks.acquire(name=f"lag:{self._cluster}", owner=self._owner, ttl_s=LEASE_S)
            if self._lease is None:
                return False
            recording.ensure_cluster(cluster=self._cluster)
            self._remember()
            self._next_s = float("-inf")
        self._renewed_s = now_s
        return True

    def _remember(self) -> None:
        """Go on with what the poller before wrote down; what topics keep is asked anew."""
        self._memory = remembering.restore(self._cluster)
        self._retentions = None
        self._topics.forget()

    def _still_ours(self) -> None:
        """Keep the lease in a look that takes long. Raises ``LeaseLost``."""
        if self._lease is not None and self._time.monotonic() - self._renewed_s >= RENEW_AFTER_S:
            self._lease = locks.renew(lease=self._lease, ttl_s=LEASE_S)
            self._renewed_s = self._time.monotonic()
            give_back()

    def _keep_up(self, now_s: float) -> None:
        if now_s - self._upkeep_s < UPKEEP_EVERY_S:
            return
        self._upkeep_s = now_s
        now = self._time.now()
        upkeep.keep_up(now=now)
        history.roll_up(now=now)
        recording.forget_old(now=now)
