"""An inbox, a sink and a store in memory, with the transactions of the real ones."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from reliability.kafka.failure import Failure
from reliability.kafka.handling import Handling
from reliability.kafka.incoming import Incoming
from reliability.kafka.ports import Verdict
from reliability.kafka.tries import HandlingPolicy
from reliability.kernel.clock import ManualClock
from reliability.kernel.record import Header, Record, TopicPartition


class Away(Exception):
    """The store is not there."""


class Death(BaseException):
    """The end of the process."""


class Refused(Exception):
    """The sink cannot take it."""


def record(
    offset: int = 0,
    *,
    topic: str = "orders",
    partition: int = 0,
    value: bytes = b"",
    headers: Sequence[Header] = (),
    unreadable: bool = False,
) -> Record:
    """A record as a consumer reads it."""
    return Record(
        topic=topic,
        partition=partition,
        offset=offset,
        key=b"k",
        value=value,
        headers=tuple(headers),
        timestamp_ms=1_000,
        headers_unreadable=unreadable,
    )


@dataclass
class Store:
    """Admission and sink over one state that a unit takes back as a whole."""

    seen: dict[str, tuple[str, int]] = field(default_factory=dict)
    retried: list[tuple[str, int, int, Failure]] = field(default_factory=list)
    letters: list[tuple[str, Failure]] = field(default_factory=list)
    tries: list[int] = field(default_factory=list)
    """How often each record was tried that went to a retry topic or became a letter."""
    effects: list[str] = field(default_factory=list)
    starts: dict[TopicPartition, tuple[int, int]] = field(default_factory=dict)
    away: bool = False
    takes_retries: bool = True
    takes_letters: bool = True
    units: int = 0

    @contextlib.contextmanager
    def unit(self) -> Iterator[None]:
        self._require()
        self.units += 1
        before = (dict(self.seen), list(self.retried), list(self.letters), list(self.effects))
        try:
            yield
            self._require()
        except BaseException:  # a process that dies takes its transaction along
            self.seen, self.retried, self.letters, self.effects = before
            raise

    def admit(self, batch: Sequence[Incoming]) -> list[bool]:
        answers = []
        for one in batch:
            state, attempt = self.seen.get(one.message_id, ("", 0))
            fresh = not state or (state != "done" and attempt < one.attempt)
            if fresh:
                self.seen[one.message_id] = ("done", one.attempt)
            answers.append(fresh)
        return answers

    def settle(self, incoming: Incoming, verdict: Verdict) -> None:
        self.seen[incoming.message_id] = (verdict, incoming.attempt)

    def begin(self, incoming: Incoming) -> int:
        self._require()
        offset, starts = self.starts.get(incoming.partition, (-1, 0))
        again = starts + 1 if offset == incoming.record.offset else 1
        self.starts[incoming.partition] = (incoming.record.offset, again)
        return again

    def end(self, incoming: Incoming) -> None:
        self._require()
        offset, starts = self.starts[incoming.partition]
        self.starts[incoming.partition] = (offset, starts - 1)

    def is_away(self, error: Exception) -> bool:
        return isinstance(error, Away)

    def retry(self, incoming: Incoming, *, delay_s: int, failure: Failure, tries: int) -> bool:
        if self.takes_retries:
            self.retried.append((incoming.message_id, incoming.attempt + tries, delay_s, failure))
            self.tries.append(tries)
        return self.takes_retries

    def dead_letter(self, incoming: Incoming, *, failure: Failure, tries: int) -> None:
        if not self.takes_letters:
            raise Refused
        self.tries.append(tries)
        self.letters.append((incoming.message_id, failure))

    def _require(self) -> None:
        if self.away:
            raise Away


def handling(
    store: Store,
    handler: Callable[[Incoming], None],
    *,
    tiers: dict[str, int] | None = None,
    policy: HandlingPolicy | None = None,
) -> Handling:
    """Handling for group `payments`, with waits at their upper bound."""
    places = tiers or {}
    return Handling(
        group="payments",
        handler=handler,
        admission=store,
        sink=store,
        policy=policy or HandlingPolicy(),
        tier_of=places.get,
        chance=lambda: 1.0,
        time=ManualClock(),
    )
