"""Hints while Redis refuses or hangs: short, quiet, kept for later."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from reliability.kernel.clock import ManualClock
from reliability.live.hints import MOST_WAITING, Hint, Publisher
from tests.support.network import refusing_port, silent_port


def took(act: Callable[[], None]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def test_a_redis_that_refuses_costs_no_time_and_raises_nothing() -> None:
    publisher = Publisher(url=f"redis://127.0.0.1:{refusing_port()}/0")
    assert took(lambda: publisher.send("letters", Hint())) < 0.2


def test_a_redis_that_never_answers_costs_less_than_a_fifth_of_a_second_and_only_once() -> None:
    with silent_port() as port:
        publisher = Publisher(url=f"redis://127.0.0.1:{port}/0")
        assert took(lambda: publisher.send("letters", Hint())) < 0.2
        assert took(lambda: [publisher.send("outbox", Hint()) for _ in range(1000)] and None) < 0.05


def test_it_warns_at_most_once_in_thirty_seconds() -> None:
    time_ = ManualClock()
    publisher = Publisher(url=f"redis://127.0.0.1:{refusing_port()}/0", time=time_)
    with capture_logs() as logs:
        for _ in range(62):
            publisher.send("letters", Hint())
            time_.advance(1.0)
    assert [line["event"] for line in logs] == ["live_hints_lost"] * 2


def test_what_waits_is_bounded_and_newest_per_topic() -> None:
    publisher = Publisher(url=f"redis://127.0.0.1:{refusing_port()}/0")
    for number in range(MOST_WAITING + 100):
        publisher.send(f"replay:{number}", Hint())
    publisher.send("replay:1", Hint(worst="crit"))
    assert len(publisher.waiting) == MOST_WAITING
    assert publisher.waiting["replay:1"].worst == "crit"


@pytest.mark.parametrize(("hint", "packed"), [(Hint(), ""), (Hint(worst="warn"), '{"worst":"warn"}')])
def test_a_hint_says_only_what_there_is(hint: Hint, packed: str) -> None:
    assert hint.packed() == packed
