"""Where copies of answers are: the port, and memory. ``shared_copies`` has the same in Redis.

Each tag has a generation: a text that an invalidation replaces by one that was never there before; "" at first. A copy
is kept with the generations that held *before* its value was asked for, and is there only while all of them hold: so a
value from before an invalidation is neither stored nor found after it, however late it comes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from reliability.degradation.domain.fallback import Copy
from reliability.kernel import clock

COPIES_MAX: Final = 2_000
BYTES_MAX: Final = 16 * 1024 * 1024
TAGS_KNOWN_MAX: Final = 20_000

Generations = tuple[str, ...]
"""Of the tags of a copy, in their order."""


class Copies(Protocol):
    """A place for copies. What is shared raises ``Unreachable``, after a short time."""

    def find(self, key: str, tags: Sequence[str]) -> tuple[Copy | None, Generations]:
        """Return the copy, when there is one whose generations hold, and the generations of these tags now."""

    def keep(self, key: str, copy: Copy, tags: Sequence[str], generations: Generations, *, for_s: float) -> bool:
        """Keep a copy for some seconds; False, and nothing is kept, when the tags have other generations by now."""

    def invalidate(self, tags: Sequence[str], generation: str) -> None:
        """Give tags a new generation: none of their copies is there any more."""

    def generations(self, tags: Sequence[str]) -> Generations:
        """Return the generations of tags now."""


@dataclass(frozen=True, slots=True)
class _Kept:
    copy: Copy
    tags: tuple[str, ...]
    generations: Generations
    until_s: float


class MemoryCopies:
    """Copies in this process, the one that was used last kept longest. Raises nothing; for any number of threads."""

    def __init__(self, *, copies_max: int = COPIES_MAX, bytes_max: int = BYTES_MAX) -> None:
        self._copies_max, self._bytes_max = copies_max, bytes_max
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._generations: OrderedDict[str, tuple[str, int]] = OrderedDict()  # and the mark of when it was learned
        self._mark = 0
        self._bytes = 0
        self._lock = threading.Lock()

    def find(self, key: str, tags: Sequence[str]) -> tuple[Copy | None, Generations]:
        with self._lock:
            now = self._now(tags)
            kept = self._kept.get(key)
            if kept is None:
                return None, now
            if kept.until_s <= clock.SYSTEM.monotonic() or kept.tags != tuple(tags) or kept.generations != now:
                self._drop(key)
                return None, now
            self._kept.move_to_end(key)
            return kept.copy, now

    def keep(self, key: str, copy: Copy, tags: Sequence[str], generations: Generations, *, for_s: float) -> bool:
        with self._lock:
            if self._now(tags) != generations:
                return False
            self._drop(key)
            self._kept[key] = _Kept(copy, tuple(tags), generations, clock.SYSTEM.monotonic() + for_s)
            self._bytes += len(copy.text)
            while self._kept and (len(self._kept) > self._copies_max or self._bytes > self._bytes_max):
                self._drop(next(iter(self._kept)))
            return True

    def invalidate(self, tags: Sequence[str], generation: str) -> None:
        with self._lock:
            self._mark += 1
            self._learn(dict.fromkeys(tags, generation))
            for tag in tags:  # also where it was known by then: what was told before that is older
                if tag in self._generations:
                    self._generations[tag] = (generation, self._mark)

    def generations(self, tags: Sequence[str]) -> Generations:
        with self._lock:
            return self._now(tags)

    @property
    def mark(self) -> int:
        """Grows with each invalidation here."""
        return self._mark

    def learn(self, generations: dict[str, str], *, mark: int) -> None:
        """Go by generations of tags that another place told, but for those that were invalidated here since ``mark``.

        ``mark``: that of before the other place was asked.
        """
        with self._lock:
            newer = {tag for tag in generations if self._generations.get(tag, ("", 0))[1] > mark}
            self._learn({tag: now for tag, now in generations.items() if tag not in newer})

    def tags(self) -> list[str]:
        """Return the tags of the copies that are here."""
        with self._lock:
            return sorted({tag for kept in self._kept.values() for tag in kept.tags})

    def __len__(self) -> int:
        return len(self._kept)

    def _learn(self, generations: dict[str, str]) -> None:
        changed = {tag: now for tag, now in generations.items() if self._generations.get(tag, ("", 0))[0] != now}
        for tag, now in changed.items():
            self._generations[tag] = (now, self._mark)
            self._generations.move_to_end(tag)
        while len(self._generations) > TAGS_KNOWN_MAX:
            self._generations.popitem(last=False)
        if changed:
            for key in [key for key, kept in self._kept.items() if not changed.keys().isdisjoint(kept.tags)]:
                self._drop(key)

    def _now(self, tags: Sequence[str]) -> Generations:
        return tuple(self._generations.get(tag, ("", 0))[0] for tag in tags)

    def _drop(self, key: str) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            self._bytes -= len(gone.copy.text)
