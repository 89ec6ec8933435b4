"""What all caches of a process have in common: copies in memory, Redis, counts, and a thread that hears and tells."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeVar
from uuid import uuid4

import structlog

from reliability.degradation.domain.fallback import EVERY, Copy
from reliability.degradation.fallback.counting import Counts
from reliability.degradation.stores.copies import Copies, Generations, MemoryCopies
from reliability.degradation.stores.shared import Unreachable
from reliability.kernel import clock

log = structlog.get_logger(__name__)
T = TypeVar("T")

LOOK_EVERY_S: Final = 1.0
"""So often a process hears which tags were invalidated elsewhere."""
TELL_EVERY_S: Final = 5.0
AGAIN_AFTER_S: Final = 1.0
"""So long Redis is left alone after it did not answer."""

PENDING_MAX: Final = 1_000
"""Of so many tags at most Redis is told one by one when it is back; of more, that no copy is valid."""


class Shared(Copies, Protocol):
    """Copies that all processes share, and where counts are told; ``SharedCopies`` does it."""

    def tell(self, counts: dict[str, dict[str, int]], about: dict[str, dict[str, Any]]) -> None: ...


class Keeper:
    """Keeps copies. Its methods raise nothing; only those that say so wait for Redis, and shortly."""

    def __init__(self, shared: Shared) -> None:
        self.local = MemoryCopies()
        self.counts = Counts()
        self._shared = shared
        self._pending: dict[str, str] = {}
        self.renew()

    def renew(self) -> None:
        """Begin anew in a process that was forked: no thread and no lock of the parent's is this one's."""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self._away_until_s = self._told_at_s = 0.0
        self._pid = os.getpid()
        self.local = MemoryCopies()
        self.counts.renew()

    def begin(self) -> None:
        """Have the thread run; costs nothing when it does."""
        if self._thread is not None and self._thread.is_alive():
            return
        with self._lock:
            if self._over.is_set() or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._run, args=(self._over,), name="fallback-keeper", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # at the end of the interpreter: no thread begins any more
                self._thread = None

    def stop(self) -> None:
        """End the thread, and tell what was counted."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(timeout=2.0)
        self.tell()

    def find(self, key: str, tags: tuple[str, ...]) -> tuple[Copy | None, Generations | None]:
        """Return the shared copy and the generations that hold; None for what Redis does not say. Waits for Redis."""
        mark = self.local.mark
        found = self.ask(lambda it: it.find(key, tags))
        if found is None:
            return None, None
        copy, generations = found
        self.local.learn(dict(zip(tags, generations, strict=True)), mark=mark)
        return copy, generations

    def keep(
        self,
        key: str,
        copy: Copy,
        tags: tuple[str, ...],
        *,
        local: Generations,
        shared: Generations | None,
        for_s: float,
    ) -> None:
        """Keep a copy wherever its tags have the generations of before it was asked for. Waits for Redis."""
        if shared is not None and self.ask(lambda it: it.keep(key, copy, tags, shared, for_s=for_s)) is False:
            return
        self.local.keep(key, copy, tags, local if shared is None else shared, for_s=for_s)

    def invalidate(self, tags: Sequence[str]) -> bool:
        """Give tags a new generation, here at once; return whether Redis has it too. It is told when it is back."""
        generation = uuid4().hex
        with self._lock:  # first: who asks Redis from now on tells it before, and never learns of the generation before
            self._pending.update(dict.fromkeys(tags, generation))
            if len(self._pending) > PENDING_MAX:
                self._pending = {EVERY: generation}
            self._away_until_s = 0.0  # worth a try, even if it did not answer a moment ago
        self.local.invalidate(tags, generation)
        return self.ask(lambda it: True) is True

    def ask(self, ask: Callable[[Shared], T]) -> T | None:
        """Ask Redis, after it was told of what is invalid; None when it does not answer, or did not a moment ago."""
        now_s = clock.SYSTEM.monotonic()
        if now_s < self._away_until_s:
            return None
        try:
            self._tell_pending()
            return ask(self._shared)
        except Unreachable as error:
            self._away_until_s = clock.SYSTEM.monotonic() + AGAIN_AFTER_S
            log.warning("fallback_redis_lost", error=str(error), meaning="copies of this process alone are used")
            return None

    def hear(self) -> None:
        """Hear of what was invalidated by others, for all copies of this process."""
        tags, mark = self.local.tags(), self.local.mark
        found = self.ask(lambda it: it.generations(tags)) if tags or self._pending else None
        if found is not None:
            self.local.learn(dict(zip(tags, found, strict=True)), mark=mark)

    def tell(self) -> None:
        """Tell what was counted; it is told later when Redis does not answer."""
        counts = self.counts.taken()
        about = {name: said.facts() for name, said in list(self.counts.caches.items()) if name in counts}

        def told(it: Shared) -> bool:
            it.tell(counts, about)
            return True

        if counts and not self.ask(told):
            self.counts.give_back(counts)

    def _tell_pending(self) -> None:
        with self._lock:
            pending = dict(self._pending)
        for generation in set(pending.values()):
            tags = [tag for tag, each in pending.items() if each == generation]
            self._shared.invalidate(tags, generation)
            with self._lock:
                for tag in tags:
                    if self._pending.get(tag) == generation:
                        del self._pending[tag]

    def _run(self, over: threading.Event) -> None:
        while not over.wait(LOOK_EVERY_S):
            try:
                self.hear()
                if clock.SYSTEM.monotonic() - self._told_at_s >= TELL_EVERY_S:
                    self._told_at_s = clock.SYSTEM.monotonic()
                    self.tell()
            except Exception:
                log.exception("fallback_look_failed")  # a fault of ours must not end the looking
