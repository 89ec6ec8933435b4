"""Numbers that policies may watch: how far a group is behind, how many letters it makes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dlq.models import GroupMinute, LetterGroup
from dlq.queries import overview as letters
from reliability.console.registry import REGISTRY
from reliability.kernel.clock import SYSTEM
from reliability.lag.models import Group
from reliability.lag.queries import overview
from tests.support import lag
from tests.support.letters import record, store

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_group_that_nobody_knows_says_nothing() -> None:
    assert overview.records("nobody") is None
    assert overview.seconds("nobody") is None
    assert letters.letter_rate("nobody", now=SYSTEM.now()) is None


def test_letters_are_told_by_the_last_full_minute() -> None:
    now = SYSTEM.now()
    store(record(1), now=now)
    group = LetterGroup.objects.get()
    minute = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
    GroupMinute.objects.filter(group=group).delete()
    GroupMinute.objects.create(group=group, minute=minute, count=7)
    found = letters.letter_rate("billing", now=now)
    assert found is not None
    assert found.value == 7.0


def test_all_of_them_are_registered() -> None:
    assert {"lag.records", "lag.seconds", "letters.open", "letters.rate", "breaker.state", "outbox.oldest_age"} <= set(
        REGISTRY.signals
    )


def test_a_group_is_told_in_records_and_in_seconds() -> None:
    made = lag.group("billing")
    Group.objects.filter(pk=made.pk).update(lag=120, lag_s=7.5)
    behind, late = overview.records("billing"), overview.seconds("billing")
    assert behind is not None
    assert late is not None
    assert (behind.value, late.value) == (120.0, 7.5)
    Group.objects.filter(pk=made.pk).update(lag=None, lag_s=None)
    assert overview.records("billing") is None
