"""Which broker coordinates which group, and many groups asked of their coordinators at once."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from kafka.protocol.metadata import FindCoordinatorRequest

from reliability.kafka import ports
from reliability.kafka.group_admin import verdicts
from reliability.kafka.group_admin.wire import Wire
from reliability.kernel import clock

FIND_AT_ONCE = 1_000
KEPT_MAX = 100_000
"""Groups come and go, with names that are never used again: beyond so many all are looked for anew."""

_OF_GROUPS = 0
_BATCHED = 4  # the version of FindCoordinator that takes many names (Kafka 3.0, KIP-699)
ASK_TRIES, ORDER_TRIES = 2, 6
_FIRST_PAUSE_S = 0.1

Told = TypeVar("Told")
Read = Callable[[Any], Iterable[tuple[str, int, Told]]]
"""Out of an answer: each group, its error code, what is told of it."""


class Coordinators:
    """Remembers who coordinates; forgets when told that somebody else does."""

    def __init__(self, wire: Wire, *, time: clock.Clock = clock.SYSTEM) -> None:
        self._wire = wire
        self._time = time
        self._of: dict[str, int] = {}

    def ask(
        self,
        groups: Collection[str],
        *,
        request: Callable[[list[str]], Any],
        read: Read[Told],
        at_once: int,
        until_s: float,
        order: bool = False,
    ) -> dict[str, Told | ports.Problem]:
        """Ask for each group, and again for those whose coordinator moved.

        An ``order`` is repeated more patiently, but only when it was turned away: one whose answer was lost may have
        been carried out, and what a group did since then must not be undone.
        """
        told: dict[str, Told | ports.Problem] = {}
        left = list(groups)
        for attempt in range(ORDER_TRIES if order else ASK_TRIES):
            if attempt:
                self._pause(attempt, until_s)
            try:
                moved, lost = self._round(left, told, request=request, read=read, at_once=at_once, until_s=until_s)
            except ports.Unavailable:
                if not attempt:
                    raise
                break  # what the first round told is not lost for the rest
            for name in moved | lost:
                self._of.pop(name, None)
            left = [name for name in left if name in moved or (name in lost and not order)]
            if not left or self._time.monotonic() >= until_s:
                break
        return {name: _NOT_FOUND if answer is _MOVED else answer for name, answer in told.items()}

    def of(self, group: str) -> int:
        """The coordinator's broker id as it was last seen, -1 if it was not."""
        return self._of.get(group, -1)

    def _round(
        self,
        groups: Sequence[str],
        told: dict[str, Told | ports.Problem],
        *,
        request: Callable[[list[str]], Any],
        read: Read[Told],
        at_once: int,
        until_s: float,
    ) -> tuple[set[str], set[str]]:
        """Ask each coordinator once; return the groups that are somebody else's now, and those without an answer."""
        by_broker = self._find(groups, told, until_s=until_s)
        chunks = [(node, chunk) for node, names in by_broker.items() for chunk in chunked(names, at_once)]
        answers = self._wire.ask([(node, request(chunk)) for node, chunk in chunks], until_s=until_s)
        moved = {name for name in groups if told.get(name) is _MOVED}
        lost: set[str] = set()
        for (_, chunk), answer in zip(chunks, answers, strict=True):
            if isinstance(answer, ports.Problem):
                told.update(dict.fromkeys(chunk, answer))
                lost.update(chunk)
            else:
                moved |= self._take(chunk, answer, read, told)
        return moved, lost

    def _take(
        self, chunk: Sequence[str], answer: Any, read: Read[Told], told: dict[str, Told | ports.Problem]
    ) -> set[str]:
        """Put one broker's answer into ``told``; return the groups that it no longer coordinates."""
        told.update(dict.fromkeys(chunk, _SILENT))
        again = set()
        for name, code, value in read(answer):
            told[name] = verdicts.problem(code, f"group {name}") if code else value
            if code in verdicts.COORDINATOR_MOVED:
                again.add(name)
        return again

    def _find(
        self, groups: Sequence[str], told: dict[str, Told | ports.Problem], *, until_s: float
    ) -> dict[int, list[str]]:
        """Return the groups by coordinator; those without go into ``told`` with the reason."""
        if len(self._of) > KEPT_MAX:
            self._of.clear()
        for chunk in chunked([name for name in groups if name not in self._of], FIND_AT_ONCE):
            request = FindCoordinatorRequest(key_type=_OF_GROUPS, coordinator_keys=chunk, min_version=_BATCHED)
            for found in self._wire.ask_any(request, until_s=until_s).coordinators:
                if found.error_code in verdicts.COORDINATOR_MOVED:
                    told[found.key] = _MOVED
                elif found.error_code:
                    told[found.key] = verdicts.problem(found.error_code, f"group {found.key}")
                else:
                    self._of[found.key] = found.node_id
                    told.pop(found.key, None)
        by_broker: dict[int, list[str]] = defaultdict(list)
        for name in groups:
            if name in self._of:
                by_broker[self._of[name]].append(name)
            else:
                told.setdefault(name, _SILENT)
        return by_broker

    def _pause(self, attempt: int, until_s: float) -> None:
        left_s = until_s - self._time.monotonic()
        self._time.sleep(max(0.0, min(left_s, _FIRST_PAUSE_S * 2 ** (attempt - 1))))


_MOVED = ports.Problem(code="unavailable", message="")  # tells by its identity that the group is to be asked again
_NOT_FOUND = ports.Problem(code="unavailable", message="the group has no coordinator for now")
_SILENT = ports.Problem(code="unavailable", message="the broker did not mention the group in its answer")


def chunked(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    """Cut into lists of at most ``size``."""
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk
