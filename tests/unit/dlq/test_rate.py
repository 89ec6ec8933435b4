"""Which rates a replay may have."""

from __future__ import annotations

import math

import pytest

from dlq.operations.plans import BadPlan, checked_rate


@pytest.mark.parametrize("rate", [0.001, 0.5, 1, 1_000])
def test_a_possible_rate_is_taken_as_it_is(rate: float) -> None:
    assert checked_rate(rate) == rate


@pytest.mark.parametrize("rate", [0, -1, 1e-320, 1e-9, 1_000.1, math.inf, math.nan])
def test_a_rate_that_cannot_be_is_refused(rate: float) -> None:
    with pytest.raises(BadPlan):
        checked_rate(rate)
