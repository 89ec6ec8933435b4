"""A whole comparison: both sides read in the order of their keys, at flat memory, and each suspect looked at twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

import structlog

from reliability.kernel.clock import SYSTEM
from reliability.kernel.text import printable
from sagas.domain.reconciling.comparing import ERROR_CHARACTERS_MAX, Judged, joined, judge
from sagas.domain.reconciling.definition import Reconciliation, Side, SideError
from sagas.domain.reconciling.outcome import outcome
from sagas.domain.reconciling.pair import Pair, Row
from sagas.operations.reconciling import comparisons, observing
from sagas.operations.reconciling.comparisons import Progress
from sagas.operations.reconciling.observing import KEYS_MAX
from sagas.queries import findings, histories, reading

log = structlog.get_logger(__name__)

NOTE_EVERY_S: Final = 2.0
"""Between two notes of how far it came; each also makes sure that the lease is still held."""


class Stopped(Exception):
    """The comparison is to end here: the process stops, or has lost its lease."""


class Whole:
    """One whole comparison; ``keep`` is called now and then and raises ``Stopped``."""

    def __init__(self, reconciliation: Reconciliation, progress: Progress, *, keep: Callable[[], None]) -> None:
        self._defined = reconciliation
        self._row = progress
        self._keep = keep
        self._noted = SYSTEM.monotonic()
        self._found = observing.Observed()
        self._both = reconciliation.expected.looks_up and reconciliation.seen.looks_up

    def run(self) -> Progress:
        """Compare both sides; what cannot be read is told in the row. Raises ``Stopped``."""
        began = histories.database_now()
        whole = self._read_all(began)
        self._look_at_the_rest(before=began, whole=whole)
        row = self._row
        row.outcome = outcome(compared=row.compared, unread=row.unread, unjudged=row.unjudged, error=row.error)
        comparisons.note(row)
        log.info(
            "compared",
            reconciliation=self._defined.name,
            outcome=row.outcome,
            keys=row.compared,
            differing=row.differing,
            unread=row.unread,
            error=row.error,
        )
        return row

    def _read_all(self, began: datetime) -> bool:
        """Join both sides; return whether they were read to their ends."""
        suspects: list[Judged] = []
        try:
            for judged in self._judged():
                self._count(judged)
                if judged.difference:
                    suspects.append(judged)
                if len(suspects) == KEYS_MAX:
                    self._settle(suspects, began)
                    suspects = []
                self._note()
            whole = True
        except SideError as error:
            self._fail(str(error))
            whole = False
        self._settle(suspects, began)  # what was read before a side broke off is true all the same
        return whole

    def _judged(self) -> Iterator[Judged]:
        defined = self._defined
        names = (defined.expected.what, defined.seen.what)
        if defined.seen.streams:
            pairs = joined(_safely(defined.expected), _safely(defined.seen), names=names)
            return (judge(defined, pair) for pair in pairs)
        return self._asked(joined(_safely(defined.expected), iter(()), names=names))

    def _asked(self, pairs: Iterator[Pair]) -> Iterator[Judged]:
        """Ask the seen side, which cannot be read whole, for the keys of the other one, many at a time."""
        while part := list(islice(pairs, KEYS_MAX)):
            looked = self._defined.seen.lookup([pair.key for pair in part])
            for pair in part:
                if pair.key in looked.unread:
                    self._row.compared += 1
                    self._unread(looked.unread[pair.key])
                else:
                    seen = tuple(looked.rows.get(pair.key, ()))
                    yield judge(self._defined, Pair(key=pair.key, expected=pair.expected, seen=seen))
            self._keep()

    def _settle(self, suspects: Sequence[Judged], began: datetime) -> None:
        """Look again at what seems to differ: while two sides are read one is older than the other."""
        if not suspects:
            return
        if not self._both:
            self._observe(suspects, at=began)
            return
        self._look([each.pair.key for each in suspects])

    def _look(self, keys: Sequence[str]) -> None:
        read = reading.read(self._defined, keys)
        for reason in read.unread.values():
            self._unread(reason)
        self._observe([judge(self._defined, pair) for pair in read.pairs], at=read.at)

    def _observe(self, judged: Sequence[Judged], *, at: datetime) -> None:
        self._found += observing.observe(self._defined, judged, at=at)
        self._row.differing, self._row.opened, self._row.closed = (
            self._found.differing,
            self._found.opened,
            self._found.closed,
        )

    def _look_at_the_rest(self, *, before: datetime, whole: bool) -> None:
        """Findings of which this comparison has said nothing yet: their sides agree, or they were not read."""
        for keys in findings.unlooked(self._defined.name, before=before, at_a_time=KEYS_MAX):
            if self._both:
                self._look(keys)
            elif whole:
                self._observe([Judged(pair=Pair(key=key)) for key in keys], at=before)
            self._note()

    def _count(self, judged: Judged) -> None:
        self._row.compared += 1
        if judged.error:
            self._row.unjudged += 1
            self._fail(f"{judged.pair.key}: {judged.error}")

    def _unread(self, reason: str) -> None:
        self._row.unread += 1
        self._fail(reason)

    def _fail(self, error: str) -> None:
        self._row.error = self._row.error or printable(error, limit=ERROR_CHARACTERS_MAX)

    def _note(self) -> None:
        if SYSTEM.monotonic() - self._noted < NOTE_EVERY_S:
            return
        self._noted = SYSTEM.monotonic()
        self._keep()
        if not comparisons.note(self._row):
            raise Stopped


def _safely(side: Side) -> Iterator[tuple[str, Row]]:
    """Read a side to its end; whatever its code raises is a side that could not be read."""
    try:
        yield from side.stream()
    except SideError:
        raise
    except Exception as error:
        log.exception("side_failed", side=side.what)
        told = f"{side.what} could not be read: {type(error).__name__}: {error}"
        raise SideError(printable(told, limit=ERROR_CHARACTERS_MAX)) from error
