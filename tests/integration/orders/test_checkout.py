"""The shop's policy: saved once, and a later start neither changes it nor leaves a refusal on record."""

from __future__ import annotations

import pytest

from reliability.audit.models import Entry
from reliability.degradation.models import Policy
from reliability.kernel.clock import SYSTEM
from sagas.orders import checkout

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_later_start_leaves_the_policy_as_somebody_changed_it() -> None:
    checkout.prepare(now=SYSTEM.now())
    Policy.objects.update(is_on=False)
    entries = Entry.objects.count()
    checkout.prepare(now=SYSTEM.now())
    assert Policy.objects.get().is_on is False
    assert Entry.objects.count() == entries > 0
