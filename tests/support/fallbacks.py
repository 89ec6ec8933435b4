"""What fallback caches stand on, as a test wants it: a Redis that goes away, and a dependency that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from reliability.degradation.domain.fallback import Copy
from reliability.degradation.fallback import cache
from reliability.degradation.fallback.keeper import Keeper
from reliability.degradation.stores.copies import Generations, MemoryCopies
from reliability.degradation.stores.shared import Unreachable
from reliability.kernel import clock


class Away(MemoryCopies):
    """Copies that several keepers share, until it ``is_away``; ``asked`` counts."""

    def __init__(self) -> None:
        super().__init__()
        self.is_away = False
        self.asked = 0
        self.told: list[tuple[dict[str, dict[str, int]], dict[str, dict[str, Any]]]] = []

    def _answer(self) -> None:
        self.asked += 1
        if self.is_away:
            raise Unreachable("away")

    def find(self, key: str, tags: Sequence[str]) -> tuple[Copy | None, Generations]:
        self._answer()
        return super().find(key, tags)

    def keep(self, key: str, copy: Copy, tags: Sequence[str], generations: Generations, *, for_s: float) -> bool:
        self._answer()
        return super().keep(key, copy, tags, generations, for_s=for_s)

    def invalidate(self, tags: Sequence[str], generation: str) -> None:
        self._answer()
        super().invalidate(tags, generation)

    def generations(self, tags: Sequence[str]) -> Generations:
        self._answer()
        return super().generations(tags)

    def tell(self, counts: dict[str, dict[str, int]], about: dict[str, dict[str, Any]]) -> None:
        self._answer()
        self.told.append((counts, about))


class Shop:
    """A dependency: answers with how often it was asked, or raises; ``meanwhile`` is done while it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = None
        self.meanwhile: Callable[[], object] = lambda: None

    def __call__(self, article: str = "shoes") -> Any:
        self.asked += 1
        number, error = self.asked, self.error
        self.meanwhile()
        if error is not None:
            raise error
        return [article, number]


class Down(Exception):
    """The shop is down."""


class Bench:
    """One process, or several after ``another``, with a Redis in memory and a clock that a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.patch, self.shared, self.shop, self.clock = monkeypatch, Away(), Shop(), clock.ManualClock()
        monkeypatch.setattr(clock, "SYSTEM", self.clock)
        self.another()

    def another(self) -> Keeper:
        """Go on in another process."""
        keeper = Keeper(self.shared)
        keeper._over.set()  # no thread: a test looks itself
        self.use(keeper)
        return keeper

    def use(self, keeper: Keeper) -> None:
        """Go on in this process."""
        self.keeper = keeper
        self.patch.setattr(cache, "_keeper", keeper)
        self.patch.setattr(cache, "_askings", {})

    def cached(self, **options: Any) -> Callable[..., Any]:
        def prices(article: str = "shoes") -> Any:
            return self.shop(article)

        return cache.fallback_cache("prices", **{"fresh_s": 10, "stale_s": 100, **options})(prices)

    def async_cached(self, **options: Any) -> Callable[..., Any]:
        async def prices(article: str = "shoes") -> Any:
            await asyncio.sleep(0)
            return self.shop(article)

        return cache.fallback_cache("prices", **{"fresh_s": 10, "stale_s": 100, **options})(prices)

    @property
    def counts(self) -> dict[str, int]:
        """What was counted since."""
        return self.keeper.counts.taken().get("prices", {})
