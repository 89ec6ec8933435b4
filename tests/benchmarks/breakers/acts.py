"""What a breaker does in trouble: ``python acts.py <act> <kind> <redis url> <redis binary>`` prints it as JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from crowds import FORK, Found, crowd, fleet, herd, pooled  # type: ignore[import-not-found]
from kinds import end, make, trip  # type: ignore[import-not-found]
from speed import rejecting, speed  # type: ignore[import-not-found]


def threads(kind: str, url: str, binary: str) -> Found:
    """Eight threads, each with a call of 50 ms."""
    guarded = make(kind, url)
    guarded.ask()
    ready = threading.Barrier(9)

    def one() -> None:
        ready.wait()
        guarded.ask(takes_s=0.05)

    running = [threading.Thread(target=one) for _ in range(8)]
    for each in running:
        each.start()
    ready.wait()
    began_s = time.monotonic()
    for each in running:
        each.join()
    return {"ms": round((time.monotonic() - began_s) * 1000)}


def killed(kind: str, url: str, binary: str) -> Found:
    """The process with the only probe is killed; how long until calls are made again, with one each 0.1 s."""
    began, go = FORK.Event(), FORK.Event()

    def hang() -> None:
        began.set()
        time.sleep(60)

    def probe() -> None:
        go.wait()
        mine = make(kind, url, permits=1, open_s=4.0)
        trip(mine)  # in a process of its own, so that it knows that it is open
        while True:
            try:
                mine.call(hang)
            except Exception:  # noqa: BLE001 - rejected: again
                time.sleep(0.05)

    child = FORK.Process(target=probe)
    child.start()
    guarded = make(kind, url, permits=1, open_s=4.0)
    trip(guarded)
    go.set()
    if not began.wait(10):
        os.kill(child.pid or 0, signal.SIGKILL)
        return {"recovered_s": None, "note": "nobody was let try"}
    os.kill(child.pid or 0, signal.SIGKILL)
    dead_s, well = time.monotonic(), 0
    while time.monotonic() - dead_s < 25:
        well = well + 1 if guarded.ask() == "ok" else 0
        if well == 3:
            return {"recovered_s": round(time.monotonic() - dead_s, 1)}
        time.sleep(0.1)
    return {"recovered_s": None}


def cold(kind: str, url: str, binary: str) -> Found:
    """The fleet's breaker is open; a fresh process calls a thousand times."""
    trip(make(kind, url, open_s=60.0))
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        f"from kinds import make, end\ng = make({kind!r}, {url!r}, open_s=60.0)\n"
        "print(sum(g.ask() == 'ok' for _ in range(1000)))\nend()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {"admitted": int(done.stdout), "of": 1000}


def late(kind: str, url: str, binary: str) -> Found:
    """Two probes begin; one fails at once, the other does well when a later round has begun: how many then pass?"""

    def slow(number: int, barrier: Any) -> Any:
        guarded = make(kind, url, permits=2)
        if number == 0:
            trip(guarded)
        barrier.wait()
        if number:
            guarded.ask()  # it finds out what holds
        time.sleep(1.2)
        barrier.wait()
        if number == 0:  # a probe of the first round, 2 s long: longer than the wait for the second
            return guarded.ask(takes_s=1.7)
        if number == 1:  # the other probe of the first round
            time.sleep(0.1)
            return guarded.ask(fails=True)
        if number == 2:  # a probe of the second round, under way when the late one ends
            until_s = time.monotonic() + 1.6
            time.sleep(1.2)
            while time.monotonic() < until_s:
                outcome = guarded.ask(takes_s=0.9)
                if outcome == "ok":
                    return outcome
                time.sleep(0.02)
            return "rejected"
        time.sleep(1.75)
        return [guarded.ask(takes_s=0.01) for _ in range(10)]

    found = crowd(4, slow)
    passed = next(each for each in found if isinstance(each, list)).count("ok")
    return {"passed": passed, "of": 10}


def outage(kind: str, url: str, binary: str) -> Found:
    """An open breaker while its Redis is killed, and after it came back empty: what passes, and how calls end."""
    port, folder = url.rsplit(":", 1)[1].split("/")[0], os.environ["TMPDIR"]
    words = [binary, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]

    def start() -> subprocess.Popen[bytes]:
        server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        return server

    server = start()
    guarded = make(kind, url, open_s=60.0)
    trip(guarded)
    took, outcomes = [], Counter[str]()

    def calls(seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            began_s = time.monotonic()
            outcomes[guarded.ask()] += 1
            took.append(time.monotonic() - began_s)
            time.sleep(0.01)

    server.kill()
    server.wait()
    calls(2.0)
    server = start()
    calls(3.0)
    server.kill()
    raised = sum(count for outcome, count in outcomes.items() if outcome.startswith("raised"))
    return {"passed": outcomes["ok"], "raised": raised, "longest_ms": round(max(took) * 1000)}


def backwards(kind: str, url: str, binary: str) -> Found:
    """The worker's clock is set back by an hour while the breaker is open, for one second; when is it tried?"""
    import datetime as datetime_module

    guarded = make(kind, url)
    opened_s = time.monotonic() if trip(guarded) else 0.0
    real_time, real = time.time, datetime_module.datetime

    class Back(real):  # type: ignore[misc,valid-type]
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return real.now(tz) - datetime_module.timedelta(hours=1)

        @classmethod
        def utcnow(cls) -> Any:
            return real.now(datetime_module.UTC).replace(tzinfo=None) - datetime_module.timedelta(hours=1)

    time.time = lambda: real_time() - 3600
    for module in list(sys.modules.values()):
        if getattr(module, "datetime", None) is real:
            module.datetime = Back  # type: ignore[attr-defined]
        if getattr(module, "time", None) is real_time:
            module.time = time.time  # type: ignore[attr-defined]
    while time.monotonic() - opened_s < 8:
        if guarded.ask() == "ok":
            return {"tried_s": round(time.monotonic() - opened_s, 1)}
        time.sleep(0.05)
    return {"tried_s": None}


def forked(kind: str, url: str, binary: str) -> Found:
    """A process that has called forks; the child's failures open the breaker: does its parent hear of it?"""
    guarded = make(kind, url, open_s=30.0)
    for _ in range(2):
        guarded.ask()
    time.sleep(0.6)
    child = os.fork()
    if child == 0:
        trip(guarded, within_s=4.0)
        time.sleep(0.5)
        end()
    until_s, heard = time.monotonic() + 8, False
    os.waitpid(child, 0)
    while time.monotonic() < until_s and not heard:
        heard = guarded.ask() == "rejected"
        time.sleep(0.05)
    return {"heard": heard}


ACTS = {
    act.__name__: act
    for act in (threads, herd, killed, cold, pooled, late, outage, backwards, forked, fleet, speed, rejecting)
}

if __name__ == "__main__":
    print(json.dumps(ACTS[sys.argv[1]](*sys.argv[2:5])), flush=True)  # noqa: T201 - its answer
    end()
