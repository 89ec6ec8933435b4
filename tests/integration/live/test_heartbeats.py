"""Processes say that they live, by the database's clock."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import InterfaceError, connection
from django.db.models import F
from pytest_django import Settings
from structlog.testing import capture_logs

from reliability.kernel import clock
from reliability.kernel.text import printable
from reliability.live import operations, queries
from reliability.live.models import Heartbeat

pytestmark = pytest.mark.django_db


BEGUN = clock.SYSTEM.now()


def beat(name: str, *, pid: int = 1, state: str = "running", began_s: float = 0) -> None:
    """Beat in the life that began so many seconds before this test."""
    begun = BEGUN - timedelta(seconds=began_s)
    operations.record_beat(name=name, host="a", pid=pid, state=state, facts={"handled": 3}, started_at=begun)


def age(name: str, seconds: float) -> None:
    Heartbeat.objects.filter(name=name).update(at=F("at") - timedelta(seconds=seconds))


def test_a_beat_is_one_row_per_process_and_gets_younger() -> None:
    beat("letters")
    age("letters", 100)
    beat("letters", state="failing")
    (row,) = queries.heartbeats()
    assert (row.name, row.state, row.facts) == ("letters", "failing", {"handled": 3})
    assert row.age_s < 5


def test_silence_is_found_and_a_restart_ends_it() -> None:
    beat("letters", pid=1)
    age("letters", 20)
    assert [each.row.name for each in queries.missing_processes()] == ["letters"]
    beat("letters", pid=2)
    assert queries.missing_processes() == []


def test_rows_of_processes_long_gone_are_cleared_away() -> None:
    beat("letters", pid=1)
    age("letters", 3700)
    beat("letters", pid=2)
    assert list(Heartbeat.objects.values_list("pid", flat=True)) == [2]


def test_a_process_in_a_loop_of_crashes_is_found_though_its_number_stays_the_same() -> None:
    for began_s in (60, 50, 40, 30, 20):
        beat("letters", began_s=began_s)
        age("letters", 20)
    assert [each.row.name for each in queries.missing_processes()] == ["letters"]
    assert [each.times for each in queries.restarting_processes()] == [4]
    beat("letters")
    assert queries.missing_processes() == []
    assert [(each.row.name, each.times) for each in queries.restarting_processes()] == [("letters", 5)]
    age("letters", 310)
    beat("letters")
    assert queries.restarting_processes() == []


def test_facts_that_no_text_column_could_hold_are_made_readable() -> None:
    facts = {
        "error": "bad\x00key \ud800",
        "count": 3,
        "list": [1],
        "waits": {"orders/3": "\x00", "why": {1: [2]}, "deep": [[1]]},
    }
    operations.record_beat(name="x", host="a", pid=1, state="failing", facts=facts, started_at=clock.SYSTEM.now())
    (row,) = queries.heartbeats()
    assert row.facts["count"] == 3
    assert row.facts["list"] == [1]
    assert "\x00" not in str(row.facts["error"])
    assert row.facts["waits"] == {"orders/3": printable("\x00", limit=9), "why": {"1": "[2]"}, "deep": ["[1]"]}


@pytest.mark.django_db(transaction=True)
def test_a_beat_without_a_database_raises_nothing_and_warns_once() -> None:
    heartbeat = operations.DatabaseHeartbeat()
    with connection.cursor() as cursor:
        cursor.execute("alter table reliability_live_heartbeat rename to elsewhere")
    try:
        with capture_logs() as logs:
            heartbeat.beat("web", state="running", facts={})
            heartbeat.beat("web", state="running", facts={})
    finally:
        with connection.cursor() as cursor:
            cursor.execute("alter table elsewhere rename to reliability_live_heartbeat")
    assert [line["event"] for line in logs] == ["heartbeat_not_written"]
    heartbeat.beat("web", state="running", facts={})
    assert [row.name for row in queries.heartbeats()] == ["web"]


@pytest.mark.django_db(transaction=True)
def test_a_process_whose_loop_is_not_ours_beats_from_a_thread_and_says_goodbye() -> None:
    end = operations.beat_in_background("worker-relay")
    deadline = time.monotonic() + 5
    while not queries.heartbeats() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [(row.name, row.state) for row in queries.heartbeats()] == [("worker-relay", "running")]
    end()
    assert [row.state for row in queries.heartbeats()] == ["stopped"]


def test_a_process_shows_its_life_in_a_file_without_a_database_too(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_database(**row: object) -> None:
        raise InterfaceError("connection is closed")

    settings.MAINSTAY_ALIVE_PATH = str(tmp_path / "alive")
    monkeypatch.setattr(operations, "record_beat", no_database)
    operations.DatabaseHeartbeat().beat("letters", state="running", facts={})
    assert (tmp_path / "alive").exists()


def test_a_file_that_cannot_be_touched_is_told_once_and_ends_nothing(tmp_path: Path, settings: Settings) -> None:
    settings.MAINSTAY_ALIVE_PATH = str(tmp_path / "gone" / "alive")
    heartbeat = operations.DatabaseHeartbeat()
    with capture_logs() as lines:
        heartbeat.beat("letters", state="running", facts={})
        heartbeat.beat("letters", state="running", facts={})
    assert [line["event"] for line in lines] == ["alive_file_not_touched"]
    assert [row.name for row in queries.heartbeats()] == ["letters"]


@pytest.mark.django_db(transaction=True)
def test_a_loop_that_stands_still_is_not_said_to_run() -> None:
    asked = threading.Event()

    def turns() -> bool:
        asked.set()
        return False

    end = operations.beat_in_background("beat", turns=turns)
    assert asked.wait(10)
    end()
    assert [(row.name, row.state) for row in queries.heartbeats()] in ([], [("beat", "stopped")])
