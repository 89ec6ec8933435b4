"""Pages while PostgreSQL is gone, hangs or restarts, and while Redis hangs: at once, honest, back by themselves."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection

from tests.support.console import Answer, Person
from tests.support.system import System
from tests.support.waiting import wait_until

pytestmark = pytest.mark.scenario

PAGES = ("/", "/letters/", "/activity/", "/settings/")
WITHIN_S = 2.0
ASKED_WITHIN_S = 18.0  # some 8 s on a quiet machine, and no matter how long it hangs


def asked(person: Person, path: str) -> tuple[Answer, float]:
    """An answer and the seconds it took."""
    began = time.monotonic()
    answer = person.get(path)
    return answer, time.monotonic() - began


@contextlib.contextmanager
def paused(system: System, server: str) -> Iterator[None]:
    """While it lasts the server's connections stand and nothing is answered."""
    pids = family(system.server_pid(server))
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def family(pid: int) -> list[int]:
    """A process and its children: each connection of PostgreSQL is one."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(int(child) for child in children)]


def say_that_they_cannot(person: Person) -> None:
    """Every page says so within two seconds each time, fragments and API in their own way."""
    for path in PAGES:
        answer, seconds = asked(person, path)
        assert answer.status == 503, (path, answer)
        assert "The database does not answer" in answer.text
        assert seconds < WITHIN_S, (path, seconds)
    assert person.get("/health/live").status == 200
    assert person.get("/health/ready").status == 503


def readiness(person: Person) -> str:
    """How the console says that it stands."""
    return str(person.get("/health/ready").json["status"])


def come_back(person: Person) -> None:
    """Every page is a page again soon."""
    wait_until(lambda: asked(person, "/settings/")[0].status == 200, within_s=10, what="pages are back")
    for path in PAGES:
        assert person.get(path).status == 200, path


def test_without_postgresql_every_page_says_so_and_comes_back(system: System, outage_s: float) -> None:
    system.need("web")
    person = system.person()
    with person.socket() as socket:
        told(socket, lambda message: "ping" in message)
        system.stop_server("postgresql")
        try:
            say_that_they_cannot(person)
            problem = system.get("/api/v1/overview")
            assert (problem.status, problem.json["code"]) == (503, "database-down")
            time.sleep(outage_s)
            say_that_they_cannot(person)
            told(socket, lambda message: "ping" in message)
        finally:
            system.start_server("postgresql")
        come_back(person)
        told(socket, lambda message: "ping" in message)


def test_a_postgresql_that_hangs_is_noticed_and_forgiven(system: System) -> None:
    system.need("web")
    person = system.person()
    with paused(system, "postgresql"):
        time.sleep(4)  # the watch asks each second and waits 1.5 s
        say_that_they_cannot(person)
    come_back(person)


def test_who_asked_before_it_hung_is_answered_too(system: System) -> None:
    """Their questions are with PostgreSQL already: five seconds of silence, and they hear that it does not answer."""
    system.need("web")
    person, api = system.person(), system.api()
    with ThreadPoolExecutor(4) as askers:
        with paused(system, "postgresql"):
            waiting = [askers.submit(asked, person, path) for path in PAGES[:3]]
            act = askers.submit(api.send, "POST", "/api/v1/outbox/pause", {"shards": [3], "reason": "r"})
            for each in waiting:
                answer, seconds = each.result(timeout=20)
                assert (answer.status, "The database does not answer" in answer.text) == (503, True), answer
                assert seconds < ASKED_WITHIN_S, seconds
            code = (act.result(timeout=20).json or {}).get("code")
            assert code in ("database-down", "outcome-unknown")
        come_back(person)
        if code == "database-down":
            assert system.one("SELECT paused_at FROM outbox_shard WHERE id = 3") is None
        api.send("DELETE", "/api/v1/outbox/pause?shards=3")


def test_a_redis_that_hangs_costs_no_page_more_than_a_second(system: System) -> None:
    system.need("web")
    person = system.person()
    for path in PAGES:
        person.get(path)  # the first visit compiles its template
    before = {path: asked(person, path)[1] for path in PAGES}
    with person.socket() as socket, paused(system, "redis"):
        for path in PAGES:
            answer, seconds = asked(person, path)
            assert answer.status == 200, (path, answer)
            assert seconds < before[path] + 1.0, (path, seconds)
        told(socket, lambda message: message.get("hints") is False)
        wait_until(lambda: readiness(person) == "degraded", within_s=8, what="health says so")
        with person.socket() as late:
            late.send(json.dumps({"subscribe": ["letters"]}))
            told(
                late,
                lambda message: message.get("hello", {}).get("versions", {}).get("letters", "").startswith("poll:"),
            )
    with person.socket() as socket:
        told(socket, lambda message: message.get("hints") is True, within_s=10)


def told(socket: ClientConnection, holds: Callable[[dict[str, Any]], bool], *, within_s: float = 6) -> None:
    """Wait for a message."""
    deadline = time.monotonic() + within_s
    while True:
        message = json.loads(socket.recv(timeout=max(0.1, deadline - time.monotonic())))
        if holds(message):
            return
