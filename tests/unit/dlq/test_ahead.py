"""Letters that are read before their batch is stored."""

from __future__ import annotations

import pytest

from dlq.domain import letter
from dlq.operations.ingest import Ahead, batch
from tests.support.letters import record


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The offsets of records that are read from now on."""
    offsets: list[int] = []
    read = letter.read

    def note(one: letter.Record) -> letter.Letter:
        offsets.append(one.offset)
        return read(one)

    monkeypatch.setattr(letter, "read", note)
    return offsets


def test_a_letter_is_read_once_and_taken_once(reads: list[int]) -> None:
    ahead, one = Ahead(), record(7)
    ahead.read([one])
    assert ahead.take(one) == letter.read(one)
    del reads[:]
    ahead.take(one)
    assert reads == [one.offset], "what was taken is not kept"


def test_a_record_it_never_saw_is_read_when_it_is_asked_for(reads: list[int]) -> None:
    one = record(7)
    assert Ahead().take(one).failure.dialect
    assert reads == [one.offset]


def test_what_nobody_asks_for_is_forgotten(monkeypatch: pytest.MonkeyPatch, reads: list[int]) -> None:
    monkeypatch.setattr(batch, "AHEAD_MAX", 3)
    ahead, records = Ahead(), [record(number) for number in range(4)]
    ahead.read(records[:2])
    ahead.read(records[2:])
    del reads[:]
    for one in records:
        ahead.take(one)
    assert reads == [one.offset for one in records[:2]]
