"""Which silent processes are worth attention."""

from __future__ import annotations

from datetime import UTC, datetime

from reliability.live.domain.processes import HeartbeatRow, missing, newest

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
