"""A flag as a process reads it: from its own memory, without a lock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from reliability.degradation.domain.flags import Declaration
from reliability.degradation.domain.precedence import Standing, default_entry, resolve

_NOT_BEGUN: Final = -1
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Flag:
    """One flag. ``level`` is the number in force: 0 is normal, and each further one takes more away from users.

    Reading it takes a tenth of a microsecond; only the first read in a process may wait, a second at most, for what
    holds to be found out. ``reads`` counts reads; threads that read at the very same time may be counted once.
    """

    __slots__ = ("_begin", "_level", "declaration", "entries", "name", "reads", "standing", "version", "where")

    def __init__(self, declaration: Declaration, begin: Callable[[Flag], None]) -> None:
        self.declaration, self.name, self._begin = declaration, declaration.name, begin
        self._level = _NOT_BEGUN
        self.reads = 0
        self.version = 0
        self.entries: tuple[Any, ...] = ()
        self.where: set[str] = set()
        self.standing: Standing = resolve([default_entry(declaration.default, since=_LONG_AGO)], now=_LONG_AGO)

    @property
    def level(self) -> int:
        """The level in force, at most the last one that this process's code declares."""
        self.reads += 1
        level = self._level
        if level < 0:
            self._begin(self)
            return self.declaration.known(self.standing.level)
        return level

    @property
    def is_degraded(self) -> bool:
        """Whether users lose anything."""
        return self.level > 0

    @property
    def level_name(self) -> str:
        """The name of the level in force."""
        return self.declaration.levels[self.level].name

    @property
    def loses(self) -> str:
        """What users lose, in the words of the code."""
        return self.declaration.levels[self.level].loses

    @property
    def why(self) -> str:
        """Who decided the level, and why, in a sentence."""
        return self.standing.why

    @property
    def until(self) -> datetime | None:
        """When what decides is over; None when that is not known beforehand."""
        return self.standing.decides.until

    @property
    def has_begun(self) -> bool:
        """Whether this process looks after it."""
        return self._level >= 0

    def stands(self, standing: Standing) -> bool:
        """Go by this from now on; return whether the level is another one than before."""
        before = self._level
        self.standing = standing
        self._level = self.declaration.known(standing.level)
        return before not in (_NOT_BEGUN, self._level)

    def renew(self) -> None:
        """In a process that was forked: what is known stays; the next read has somebody look after it."""
        self._level, self.reads = _NOT_BEGUN, 0

    def __repr__(self) -> str:
        return f"<flag {self.name}: {max(self._level, 0)}>"
