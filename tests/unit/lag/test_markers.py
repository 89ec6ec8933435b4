"""Small lags that may be markers of transactions: looked for in time, and again where that failed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reliability.kafka import ports
from reliability.kernel.record import Record, TopicPartition
from reliability.lag.domain.values import WINDOW
from reliability.lag.polling.markers import LOOKS_PER_POLL, SPAN_MAX, STOOD_LOOKS, Markers
from reliability.lag.polling.windows import Window

PLACE = TopicPartition("t", 0)
RECORD = Record(topic="t", partition=0, offset=3, key=None, value=b"v", headers=(), timestamp_ms=0)


class Reader:
    """Answers from a list: records, or an error."""

    def __init__(self, *answers: list[Record] | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    def read(
        self, partition: TopicPartition, start_offset: int, end_offset: int, *, deadline_s: float
    ) -> Iterator[Record]:
        self.asked += 1
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, Exception):
            raise answer
        return iter(answer)

    def close(self) -> None:
        pass


def looks(reader: Reader, count: int, *, commits: list[int] | None = None, end: int = 4) -> list[bool]:
    """Whether only markers wait, as it is found at each of so many looks."""
    markers, window, found = Markers(lambda: reader), Window(), []
    for look in range(count):
        committed = commits[look] if commits else 3
        markers.begin()
        found.append(PLACE in markers.among({PLACE: (committed, end)}, window))
        window.add(1_000.0 + look, {PLACE: (committed, end)})
    return found


def test_they_are_found_before_a_verdict_is_due_and_asked_for_once() -> None:
    reader = Reader([])
    assert looks(reader, 2 * WINDOW).index(True) == STOOD_LOOKS < WINDOW - 1
    assert reader.asked == 1


def test_a_record_is_a_record_and_asked_for_once() -> None:
    reader = Reader([RECORD])
    assert not any(looks(reader, 2 * WINDOW))
    assert reader.asked == 1


@pytest.mark.parametrize("error", [ports.Unreadable("slow"), ports.Unavailable("down"), ports.ClientBroken("gone")])
def test_what_could_not_be_read_is_read_at_the_next_look(error: Exception) -> None:
    reader = Reader(error, error, [])
    assert looks(reader, WINDOW).index(True) == STOOD_LOOKS + 2


def test_a_lag_that_moves_or_is_large_is_not_looked_into() -> None:
    reader = Reader()
    assert not any(looks(reader, WINDOW, commits=[look % 2 + 2 for look in range(WINDOW)]))
    assert not any(looks(reader, WINDOW, end=3 + SPAN_MAX + 1))
    assert reader.asked == 0


def test_one_poll_reads_a_few_and_the_next_the_others() -> None:
    places = [TopicPartition("t", number) for number in range(LOOKS_PER_POLL + 5)]
    reader, window = Reader(), Window()
    markers = Markers(lambda: reader)
    seen = dict.fromkeys(places, (3, 4))
    for look in range(STOOD_LOOKS):
        window.add(1_000.0 + look, seen)
    markers.begin()
    assert len(markers.among(seen, window)) == LOOKS_PER_POLL
    markers.begin()
    assert len(markers.among(seen, window)) == len(places)
