"""Failures in a row, for what is called too rarely for a rate."""

from __future__ import annotations

from reliability.breakers.domain.machine import State
from reliability.breakers.domain.rules import Rules
from tests.integration.breakers.conftest import Shared
from tests.integration.breakers.test_stores import told


def test_failures_in_a_row_are_counted_over_the_fleet(shared: Shared) -> None:
    rules = {"payments": Rules(consecutive=3, jitter=0.0)}
    found = [
        shared.fleet.tell(host, [told(calls, failed)], rules)["payments"].kept.breaker
        for host, calls, failed in [("a", 1, 1), ("b", 1, 1), ("a", 1, 0), ("a", 2, 2), ("b", 1, 1)]
    ]
    assert [each.state if each else None for each in found] == [State.CLOSED] * 4 + [State.OPEN]


def test_failures_in_a_row_of_one_host_of_several_do_not_open_it_for_all(shared: Shared) -> None:
    rules = {"payments": Rules(consecutive=3, jitter=0.0)}

    def after(host: str, calls: int, failed: int) -> State:
        kept = shared.fleet.tell(host, [told(calls, failed)], rules)["payments"].kept
        return kept.breaker.state if kept.breaker else State.CLOSED

    assert after("good", 5, 0) is State.CLOSED
    assert after("bad", 8, 8) is State.CLOSED, "the bad one isolates itself"
    assert after("good", 1, 1) is State.OPEN, "another one has seen it too"
