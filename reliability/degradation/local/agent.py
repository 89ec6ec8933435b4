"""The thread of a process that keeps its flags true, so that no read has to ask anybody."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final, Protocol
from uuid import uuid4

import structlog

from reliability.degradation.domain.flags import Declaration
from reliability.degradation.domain.precedence import default_entry, resolve
from reliability.degradation.domain.snapshot import Held, Snapshot, Unreadable, packed, unpacked
from reliability.degradation.local.flag import Flag
from reliability.degradation.stores.shared import Unreachable
from reliability.kernel import clock
from reliability.kernel.dice import CHANCE

log = structlog.get_logger(__name__)

LOOK_EVERY_S: Final = 1.0
TRUTH_EVERY_S: Final = 10.0
"""So often the database is asked for its revision, give or take a quarter: what Redis did not tell is found then."""
TRUTH_WITHOUT_REDIS_S: Final = 2.0
BEAT_EVERY_S: Final = 5.0
BEGIN_WITHIN_S: Final = 1.0
SOONEST_S: Final = 0.005

Truth = Callable[[int], Snapshot | None]
"""Reads the database: all flags, or None when their revision is still this one. May raise anything."""
Changed = Callable[[Mapping[str, Flag]], None]


class Store(Protocol):
    """What an agent asks of Redis; ``RedisStore`` does it."""

    def newer(self, than: int) -> str | None: ...
    def beat(self, process: str, said: Mapping[str, Any], declared: Mapping[str, str]) -> None: ...
    def listen(self, heard: Callable[[str], None], is_over: Callable[[], bool]) -> None: ...


class Agent:
    """Keeps the flags of a process true. Its methods raise nothing and take a bounded time.

    What was heard last stays, whatever is lost: Redis, the database, or both. Levels that end, and windows that begin,
    do so by this process's clock, whoever can be asked.
    """

    def __init__(
        self, store: Store, truth: Truth, *, host: str, service: str, dice: Callable[[], float] = CHANCE
    ) -> None:
        self._store, self._truth, self._host, self._service, self._dice = store, truth, host, service, dice
        self.flags: dict[str, Flag] = {}
        self.listeners: list[Changed] = []
        self.snapshot: Snapshot | None = None
        self.renew()

    def renew(self) -> None:
        """Begin anew in a process that was forked: no thread and no lock of the parent's is this one's."""
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._begun = threading.Event()
        self._thread: threading.Thread | None = None
        self._over = threading.Event()  # of these threads: those of before have their own
        self._truth_at_s = self._beat_at_s = 0.0
        self._told: tuple[float, dict[str, int]] = (monotonic(), {})
        self.reachable = True
        self.process = f"{self._host}:{os.getpid()}:{uuid4().hex[:6]}"
        for flag in list(self.flags.values()):
            flag.renew()

    @property
    def revision(self) -> int:
        """The revision that this process goes by; -1 before it has heard of any."""
        return self.snapshot.revision if self.snapshot is not None else -1

    def begin(self, flag: Flag) -> None:
        """Look after a flag from its first read on; waits a second at most, and only while nothing is known."""
        with self._lock:
            if not flag.has_begun and self.snapshot is not None:
                self._stand(flag)
            is_looked_after = self._started()
        if self.snapshot is None and is_looked_after and self._begun.wait(BEGIN_WITHIN_S) is False:
            log.warning("degradation_begins_with_defaults", flag=flag.name)
        with self._lock:
            if is_looked_after:
                self._stand(flag)
        self._wake.set()  # time alone may change it before the next look

    def known(self) -> Snapshot | None:
        """Return all flags as this process knows them; waits a second at most, and only before anything was heard.

        None when nothing could be found out yet.
        """
        with self._lock:
            is_looked_after = self._started()
        if self.snapshot is None and is_looked_after:
            self._begun.wait(BEGIN_WITHIN_S)
        return self.snapshot

    def heard(self, text: str) -> None:
        """Somebody told a snapshot: go by it when it is newer."""
        try:
            self.take(unpacked(text))
        except Unreadable as error:
            log.warning("degradation_snapshot_unreadable", error=str(error))

    def take(self, snapshot: Snapshot, *, is_truth: bool = False) -> bool:
        """Go by this snapshot; False when it is no newer. One from the database is taken whatever its revision is."""
        with self._lock:
            if snapshot.revision <= self.revision and not is_truth:
                return False
            self.snapshot = snapshot
            changed = self._settle()
        self._wake.set()
        self._tell(changed)
        return True

    def look(self) -> None:
        """Hear of what is new, do what time brings, and say what is read."""
        now_s = monotonic()
        self._ask_redis(now_s)
        every_s = TRUTH_EVERY_S if self.reachable else TRUTH_WITHOUT_REDIS_S
        if self.snapshot is None or now_s >= self._truth_at_s:
            self._truth_at_s = now_s + every_s * (0.75 + self._dice() / 2)
            self._ask_database()
        with self._lock:
            changed = self._settle()
        self._tell(changed)

    def stop(self) -> None:
        """End the thread; levels stay as they are."""
        self._over.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=2.0)

    def _ask_redis(self, now_s: float) -> None:
        was_reachable = self.reachable
        try:
            text = self._store.newer(self.revision)
            if text is not None:
                self.heard(text)
            if now_s >= self._beat_at_s:
                self._beat_at_s = now_s + BEAT_EVERY_S * (0.75 + self._dice() / 2)
                self._store.beat(self.process, self._said(now_s), self._declared())
            self.reachable = True
        except Unreachable as error:
            self.reachable = False
            if was_reachable:
                self._truth_at_s = min(self._truth_at_s, now_s + self._dice() * TRUTH_WITHOUT_REDIS_S)
                log.warning("degradation_redis_lost", error=str(error), meaning="the database is asked instead")

    def _ask_database(self) -> None:
        before = self.revision
        try:
            found = self._truth(before)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a database must not reach those who read
            log.warning("degradation_database_unread", error=str(error), meaning="levels stay as they are")
            return
        with self._lock:  # what was heard while the database was read is newer than that
            is_news = found is not None and (self.revision == before or found.revision > self.revision)
        if found is not None and is_news:
            self.take(found, is_truth=True)

    def _settle(self) -> dict[str, Flag]:
        return {name: flag for name, flag in list(self.flags.items()) if flag.has_begun and self._stand(flag)}

    def _stand(self, flag: Flag) -> bool:
        held = self.snapshot.flags.get(flag.name) if self.snapshot is not None else None
        now = clock.SYSTEM.now()
        entries = held.entries if held is not None else ()
        flag.version = held.version if held is not None else 0
        return flag.stands(resolve((*entries, default_entry(flag.declaration.default, since=_LONG_AGO)), now=now))

    def _tell(self, changed: Mapping[str, Flag]) -> None:
        for listener in self.listeners if changed else ():
            try:
                listener(changed)
            except Exception:  # what others do with the news must not end the looking
                log.exception("degradation_listener_failed")

    def _said(self, now_s: float) -> dict[str, Any]:
        """What this process is, and how often each flag was read in a second since it said so last."""
        before_s, before = self._told
        counts = {name: flag.reads for name, flag in list(self.flags.items())}
        self._told = (now_s, counts)
        lasted_s = max(now_s - before_s, 0.001)
        return {
            "host": self._host,
            "pid": os.getpid(),
            "service": self._service,
            "revision": self.revision,
            "reads": {name: round(max(0, n - before.get(name, 0)) / lasted_s, 3) for name, n in counts.items()},
            "readers": {name: sorted(flag.where)[:20] for name, flag in list(self.flags.items())},
        }

    def _declared(self) -> dict[str, str]:
        return {name: _alone(flag.declaration) for name, flag in list(self.flags.items())}

    def _started(self) -> bool:
        """Have a thread that looks; False when there can be none now."""
        if self._thread is not None or self._over.is_set():
            return self._thread is not None
        thread = threading.Thread(target=self._run, args=(self._over,), name="degradation", daemon=True)
        try:
            thread.start()
            self._thread = thread
            arguments = (self.heard, self._over.is_set)
            threading.Thread(
                target=self._store.listen, args=arguments, name="degradation-listener", daemon=True
            ).start()
        except RuntimeError as error:  # no more threads: the next read tries again
            log.warning("degradation_no_thread", error=str(error))
        return self._thread is not None

    def _run(self, over: threading.Event) -> None:
        while not over.is_set():
            try:
                self.look()
            except Exception:
                log.exception("degradation_look_failed")  # a fault of ours must not end the looking
            self._begun.set()
            if self._wake.wait(self._pause_s()):
                self._wake.clear()

    def _pause_s(self) -> float:
        """Until the next look: less when time alone changes something before."""
        pause_s = LOOK_EVERY_S * (0.75 + self._dice() / 2)
        instants = [flag.standing.changes_at for flag in list(self.flags.values())]
        known = [at for at in instants if at is not None]
        if not known:
            return pause_s
        return max(SOONEST_S, min(pause_s, (min(known) - clock.SYSTEM.now()).total_seconds()))


_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


def _alone(declaration: Declaration) -> str:
    """A declaration as text: a snapshot with nothing said in it."""
    flags = {declaration.name: Held(declaration=declaration)}
    return packed(Snapshot(revision=0, at=_LONG_AGO, flags=flags))
