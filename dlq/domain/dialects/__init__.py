"""Dialects: who writes which dead-letter headers. One file each, the same shape; this is their list.

To add one: write a module with the names of ``Dialect`` and put it into ``DIALECTS``, the more specific first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from dlq.domain.dialects import connect, own, spring_dlpr, spring_retry, unknown
from dlq.domain.failure import Failure
from reliability.kernel.record import Record


class Dialect(Protocol):
    """One convention of dead-letter headers.

    ``STRIP_NAMES`` and ``STRIP_PREFIXES`` are the headers a replay leaves out, because with them the consumer would
    give up at once or the next dead letter would lie. ``NEWEST`` says which of several headers of one name is the
    newest: the ``first`` or the ``last``. ``recognise`` and ``read`` see the last value of each name, and the record
    for the rest; ``read`` never raises on any bytes: what it cannot read is named in the failure's ``errors``.
    """

    @property
    def NAME(self) -> str: ...
    @property
    def TITLE(self) -> str: ...
    @property
    def STRIP_NAMES(self) -> frozenset[str]: ...
    @property
    def STRIP_PREFIXES(self) -> tuple[str, ...]: ...
    @property
    def NEWEST(self) -> str: ...

    def recognise(self, values: Mapping[str, bytes | None]) -> bool: ...

    def read(self, values: Mapping[str, bytes | None], record: Record) -> Failure: ...


DIALECTS: tuple[Dialect, ...] = (own, spring_retry, spring_dlpr, connect, unknown)
_BY_NAME = {dialect.NAME: dialect for dialect in DIALECTS}


def named(name: str) -> Dialect:
    """Return the dialect of that name; the unknown one for a name that is none."""
    return _BY_NAME.get(name, unknown)


def pick(values: Mapping[str, bytes | None]) -> Dialect:
    """Return the dialect that header values give evidence for; never by the topic's name."""
    return next(dialect for dialect in DIALECTS if dialect.recognise(values))
