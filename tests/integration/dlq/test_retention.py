"""What is settled goes after its time; what is not, stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import Settings

from dlq.models import GroupMinute, Letter, LetterGroup
from dlq.operations import retention
from tests.support.letters import NOW, record, store

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=31)


def close(offset: int, state: str) -> None:
    Letter.objects.filter(offset=offset).update(state=state, closed_at=NOW)
    LetterGroup.objects.filter(letters__offset=offset).update(open_count=0)


def test_settled_letters_go_with_their_duplicates_and_unsettled_ones_never() -> None:
    store(*(record(offset) for offset in range(4)), record(10, origin_offset=0))
    close(0, "resolved")
    close(1, "discarded")
    assert retention.sweep(now=NOW + timedelta(days=29)).letters == 0
    swept = retention.sweep(now=LATER + timedelta(days=3650))
    assert (swept.letters, swept.groups) == (2, 0)
    assert sorted(Letter.objects.values_list("offset", flat=True)) == [2, 3]


def test_how_long_is_a_setting(settings: Settings) -> None:
    settings.DLQ_RETENTION_DAYS = 1
    store(record(0))
    close(0, "resolved")
    assert retention.sweep(now=NOW + timedelta(days=2)).letters == 1


def test_a_group_goes_with_its_last_letter_and_comes_back_with_the_next() -> None:
    store(record(0))
    close(0, "resolved")
    swept = retention.sweep(now=LATER)
    assert (swept.letters, swept.groups, swept.minutes) == (1, 1, 1)
    assert not LetterGroup.objects.exists()
    assert not GroupMinute.objects.exists()
    store(record(1))
    assert LetterGroup.objects.get().count == 1


def test_a_sweep_takes_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "STEP", 2)
    store(*(record(offset) for offset in range(5)))
    for offset in range(5):
        close(offset, "discarded")
    assert retention.sweep(now=LATER).letters == 5
