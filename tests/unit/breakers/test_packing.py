"""A breaker survives being kept; what is no breaker is told as such."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.breakers.domain import packing
from reliability.breakers.domain.machine import Breaker, Override, State

TIMES = st.floats(0, 4e9)
BREAKERS = st.builds(
    Breaker,
    state=st.sampled_from(State),
    gen=st.integers(1, 10**12),
    since=TIMES,
    open_until=TIMES,
    attempt=st.integers(0, 99),
    permits=st.dictionaries(st.text("abc-019", min_size=1, max_size=12), TIMES, max_size=5),
    passed=st.integers(0, 99),
    failed=st.integers(0, 99),
    reason=st.text(max_size=40),
    override=st.sampled_from(Override),
    override_until=TIMES,
)


@given(BREAKERS)
def test_what_is_kept_comes_back(breaker: Breaker) -> None:
    assert packing.unpacked(packing.packed(breaker)) == breaker


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "{}", "null", '{"state": "ajar"}', b"\xff", '{"state":"open","gen":[]}']
)
def test_what_is_no_breaker_is_told(text: str | bytes) -> None:
    with pytest.raises(packing.Unreadable):
        packing.unpacked(text)


def test_times_that_nobody_could_have_meant_are_unreadable() -> None:
    for wrong in (1e12, -1.0, float("inf"), float("nan")):
        with pytest.raises(packing.Unreadable):
            packing.unpacked(
                packing.packed(Breaker(open_until=1.0)).replace('"open_until":1.0', f'"open_until":{wrong}')
            )


def test_a_breaker_that_an_older_version_kept_is_read() -> None:
    assert packing.unpacked(packing.packed(Breaker()).replace('"cause":"",', "")) == Breaker()
