"""A demo from its start to its end, and a second one after it."""

from __future__ import annotations

import http.client
import os
import signal
import stat
import time
from pathlib import Path

import pytest

from reliability.embedded import stack
from tests.scenarios.setup.started import NO_NETWORK, Demo, wait_for

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(300)]

KEYS = {"url", "username", "password", "api_token", "broker", "processes"} | {
    "database_url",
    "redis_url",
    "kafka_bootstrap_servers",
}
PROCESSES = {"web", "worker-relay", "worker-standard", "worker-bulk", "beat", "letters", "lag", "demo"}


def status(url: str, path: str, **headers: str) -> int:
    connection = http.client.HTTPConnection(url.removeprefix("http://").strip("/"), timeout=10)
    connection.request("GET", path, headers=headers)
    try:
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.slow
def test_a_demo_lives_through_crashes_and_ends_whole(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    demo = Demo(folder)
    try:
        state = demo.ready()
        assert set(state) >= KEYS
        assert stat.S_IMODE((folder / "state.json").stat().st_mode) == 0o600
        assert set(state["processes"]) == PROCESSES
        assert status(state["url"], "/api/v1/letters", Authorization=f"Bearer {state['api_token']}") == 200
        assert state["url"] in demo.shown
        assert state["password"] in demo.shown

        a_second_one_is_refused(folder, demo, state["url"])
        a_crash_is_shown_and_answered(demo, "beat", state["processes"]["beat"])
        a_server_comes_back_at_its_address(demo, state)

        assert demo.end(signal.SIGHUP) == 0  # the terminal was closed
        assert demo.left_over() == []
        assert not (folder / "state.json").exists()

        began = time.monotonic()
        again = Demo(folder, **NO_NETWORK)
        try:
            second = again.ready()
            assert time.monotonic() - began < 60, again.shown  # 20 s on a quiet machine
            for name in ("url", "password", "api_token", "database_url", "redis_url", "kafka_bootstrap_servers"):
                assert second[name] == state[name], name
            assert again.end(signal.SIGTERM) == 0
            assert again.left_over() == []
        finally:
            again.process.kill()
    finally:
        demo.process.kill()
        wait_for(lambda: not demo.left_over(), within_s=20)
        stack.remove(folder)


def a_second_one_is_refused(folder: Path, demo: Demo, url: str) -> None:
    other = Demo(folder)
    assert other.process.wait(30) == 1
    assert f"already running (process {demo.process.pid}, {url})" in other.shown
    assert demo.state, "the first one is not disturbed"


def a_crash_is_shown_and_answered(demo: Demo, name: str, pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    assert wait_for(lambda: demo.state["processes"].get(name) not in (None, pid), within_s=15), demo.shown
    assert f"{name} was ended by signal 9" in demo.shown
    assert f"{name} started again" in demo.shown


def a_server_comes_back_at_its_address(demo: Demo, state: dict) -> None:
    os.kill(state["servers"]["redis"], signal.SIGKILL)
    assert wait_for(lambda: demo.state["servers"].get("redis") not in (None, state["servers"]["redis"]), within_s=15)
    assert demo.state["redis_url"] == state["redis_url"]


@pytest.mark.slow
def test_what_a_killed_demo_left_behind_is_ended_by_the_next(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    first = Demo(folder)
    try:
        first.ready()
        first.process.kill()
        first.process.wait()
        second = Demo(folder)
        try:
            second.ready()
            assert second.end(signal.SIGINT) == 0
            assert second.left_over() == []
        finally:
            second.process.kill()
    finally:
        first.process.kill()
        stack.remove(folder)
