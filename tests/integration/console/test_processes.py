"""What the tile and the attention list say of processes that do not run."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from reliability.console import own, running
from reliability.kernel import clock
from reliability.live import operations

pytestmark = pytest.mark.django_db


def beat(name: str, *, state: str = "running", pid: int = 1) -> None:
    operations.record_beat(name=name, host="a", pid=pid, state=state, facts={}, started_at=clock.SYSTEM.now())


def told() -> tuple[str, str, str, str]:
    tile = own.tile()
    return tile.status, tile.word, tile.value, tile.unit


def test_a_process_that_was_stopped_stays_in_the_denominator_until_another_runs() -> None:
    for name in running.wanted():
        beat(name, state="stopped" if name == "letters" else "running")
    assert told() == ("warn", "1 stopped", "6", "heard, of 7")
    beat("letters", pid=2)
    assert told() == ("ok", "All heard", "7", "heard, of 7")


def test_one_that_stopped_beside_another_of_its_name_is_not_missed() -> None:
    for name in running.wanted():
        beat(name)
    beat("letters", pid=2, state="stopped")
    assert own.tile().word == "All heard"
    assert own.stopped_processes() == []


def test_after_a_start_what_was_never_heard_is_not_called_well() -> None:
    beat("web")
    assert told() == ("unknown", "6 not started yet", "1", "heard, of 7")


def test_what_no_room_tells_of_needs_somebody_when_it_was_stopped() -> None:
    for name in (*running.wanted(), "demo:stock"):
        beat(name, state="running" if name == "web" else "stopped")
    titles = {item.title for item in own.stopped_processes()}
    assert titles == {f"{name} was stopped" for name in ("beat", "lag", "worker-bulk", "worker-standard")}


def test_every_cluster_has_its_own_processes(settings: Settings) -> None:
    settings.KAFKA_CLUSTERS = {"main": {}, "eu": {}}
    assert {"letters", "letters:eu", "lag", "lag:eu"} <= set(running.wanted())
