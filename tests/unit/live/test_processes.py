"""Which silent processes are worth attention."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reliability.live.domain.processes import (
    RESTARTS_MANY,
    RESTARTS_WITHIN_S,
    HeartbeatRow,
    missing,
    newest,
    restarting,
)

AT = datetime(2026, 1, 1, tzinfo=UTC)


def row(name: str, *, age_s: float, host: str = "a", pid: int = 1, state: str = "running") -> HeartbeatRow:
    return HeartbeatRow(name=name, host=host, pid=pid, state=state, facts={}, at=AT, started_at=AT, age_s=age_s)


def test_a_process_is_missing_after_fifteen_seconds() -> None:
    assert missing([row("web", age_s=15.0)]) == []
    assert [each.row.name for each in missing([row("web", age_s=15.1)])] == ["web"]


def test_a_process_that_said_goodbye_is_not_missing() -> None:
    assert missing([row("web", age_s=999, state="stopped")]) == []


def test_a_restarted_process_takes_the_place_of_the_one_before() -> None:
    rows = [row("web", age_s=900, pid=1), row("web", age_s=1, pid=2)]
    assert [each.pid for each in newest(rows)] == [2]
    assert missing(rows) == []


def test_it_says_whether_others_of_the_name_live() -> None:
    found = missing([row("web", age_s=20, host="a"), row("web", age_s=1, host="b"), row("beat", age_s=20)])
    assert {each.row.name: each.alone for each in found} == {"web": False, "beat": True}


def test_a_host_that_went_away_is_forgotten_when_others_do_its_work() -> None:
    gone = row("web", age_s=3601, host="a")
    assert missing([gone, row("web", age_s=1, host="b")]) == []
    assert [each.alone for each in missing([gone])] == [True]


def life(*, ended_s: float, began_s: float, pid: int = 1, state: str = "running", host: str = "a") -> HeartbeatRow:
    """A life of a worker that was last heard of, and first, so many seconds ago."""
    begun = AT - timedelta(seconds=began_s)
    return HeartbeatRow(
        name="worker", host=host, pid=pid, state=state, facts={}, at=AT, started_at=begun, age_s=ended_s
    )


NOW_ALIVE = life(ended_s=1, began_s=5)


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_many_short_lives_are_a_process_that_restarts_again_and_again(state: str) -> None:
    lives = [life(ended_s=20.0 * n, began_s=20.0 * n + 10, state=state) for n in range(1, 7)]
    (found,) = restarting([NOW_ALIVE, *lives])
    assert found.sentence == "worker restarts again and again: 6 times in 5 min"
    assert (found.row, found.since) == (NOW_ALIVE, AT - timedelta(seconds=130))


def test_a_few_restarts_are_none_to_speak_of() -> None:
    lives = [life(ended_s=20.0 * n, began_s=20.0 * n + 10) for n in range(1, RESTARTS_MANY)]
    assert restarting([NOW_ALIVE, *lives]) == []


def test_lives_that_were_long_or_are_long_over_do_not_count() -> None:
    long = [life(ended_s=20, began_s=RESTARTS_WITHIN_S + 60, pid=n) for n in range(9)]
    over = [life(ended_s=RESTARTS_WITHIN_S + 1, began_s=RESTARTS_WITHIN_S + 4, pid=n) for n in range(9)]
    assert restarting([NOW_ALIVE, *long, *over]) == []


def test_processes_that_live_side_by_side_or_on_other_hosts_are_no_restarts() -> None:
    beside = [life(ended_s=2, began_s=9, pid=n) for n in range(2, 11)]
    elsewhere = [life(ended_s=40, began_s=50, host=f"h{n}") for n in range(9)]
    assert restarting([NOW_ALIVE, *beside, *elsewhere]) == []
