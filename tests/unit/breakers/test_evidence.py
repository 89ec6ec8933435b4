"""Evidence: pooled over hosts, forgotten with the window, and one host in trouble told from a fleet in trouble."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reliability.breakers.domain import evidence, latency
from reliability.breakers.domain.evidence import Counts, HostCounts, Window
from reliability.breakers.domain.machine import Sums
from reliability.breakers.domain.rules import Rules

RULES = Rules()


def test_hosts_are_pooled_and_those_in_trouble_are_counted() -> None:
    hosts = [HostCounts(calls=10, failed=6), HostCounts(calls=30, failed=1), HostCounts(calls=5, slow=4), HostCounts()]
    assert evidence.summed(hosts, 3, RULES) == Sums(calls=45, failed=7, slow=4, row=3, row_hosts=1, hosts=3, troubled=2)


def test_a_host_that_made_no_call_is_not_in_trouble() -> None:
    assert not HostCounts().is_troubled(RULES)
    assert HostCounts(calls=1, failed=1).is_troubled(RULES)


@pytest.mark.parametrize(
    ("before", "counts", "after"),
    [
        (2, Counts(calls=3, failed=3, row=3), 5),
        (2, Counts(calls=3, failed=2, row=1), 1),
        (2, Counts(calls=3, failed=2, row=0), 0),
        (2, Counts(calls=1), 0),
    ],
)
def test_failures_in_a_row_go_on_over_tellings_until_one_call_does_well(
    before: int, counts: Counts, after: int
) -> None:
    assert evidence.in_a_row(before, counts) == after


def test_a_window_forgets_what_is_older_a_tenth_at_a_time() -> None:
    window = Window(30)
    window.add(Counts(calls=5, failed=5, row=5), now=0.0)
    window.add(Counts(calls=2, failed=1, slow=1), now=29.9)
    assert window.counts(now=29.9) == HostCounts(calls=7, failed=6, slow=1)
    assert window.counts(now=30.0) == HostCounts(calls=2, failed=1, slow=1)
    assert window.counts(now=59.9) == HostCounts()


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 9)), max_size=60))
def test_a_window_never_holds_more_than_was_told_within_it_nor_less_than_nine_tenths_of_it(
    steps: list[tuple[float, int]],
) -> None:
    window, now, told = Window(10), 1000.0, []
    for wait, calls in steps:
        now += wait
        told.append((now, calls))
        window.add(Counts(calls=calls), now=now)
        held = window.counts(now=now).calls
        assert sum(n for at, n in told if at > now - 9) <= held <= sum(n for at, n in told if at > now - 10 - 1e-6)


def test_no_calls_are_no_evidence() -> None:
    window = Window(10)
    window.add(Counts(calls=2, failed=2, row=2), now=1.0)
    window.add(Counts(rejected=7), now=2.0)
    assert (window.row, window.counts(now=2.0).calls) == (2, 2)
    assert not Counts()
    assert Counts(rejected=1)


@given(st.floats(0, 1e6))
def test_a_duration_is_in_a_step_that_is_at_most_a_quarter_longer(took_s: float) -> None:
    at = latency.step(took_s)
    assert 0 <= at < latency.COUNT
    added = took_s + latency.ADDED_S
    if added < 2**latency.HIGHEST:
        assert added < latency.longest_s(at) <= added * 1.2501


def test_quantiles_of_steps() -> None:
    counts = {latency.step(0.01): 98, latency.step(0.1): 1, latency.step(2.0): 1}
    assert latency.quantile_s(counts, 0.5) == pytest.approx(0.01, rel=0.25)
    assert latency.quantile_s(counts, 0.99) == pytest.approx(0.1, rel=0.25)
    assert latency.quantile_s(counts, 1.0) == pytest.approx(2.0, rel=0.26)
    assert latency.quantile_s({}, 0.99) is None
    assert latency.step(0.0) == 0
    assert latency.step(1e9) == latency.COUNT - 1
