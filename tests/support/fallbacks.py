"""What fallback caches stand on, as a test wants it: a Redis that goes away, and a dependency that fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from reliability.degradation.domain.fallback import Copy
from reliability.degradation.stores.copies import Generations, MemoryCopies
from reliability.degradation.stores.shared import Unreachable


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
