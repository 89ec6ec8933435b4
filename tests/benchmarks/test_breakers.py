"""Breakers beside pybreaker, purgatory, interlock-cb and circuitbreaker: what they do in trouble, what they cost."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reliability.embedded import ports, stack
from reliability.embedded.redis import find_binary
from tests.benchmarks import peers, printing
from tests.benchmarks.breakers.kinds import FLEETS, KINDS

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

HERE = Path(__file__).parent / "breakers"
Found = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One behaviour: how it is shown, and what is right."""

    act: str
    words: str
    shown: Callable[[Found], str]
    right: Callable[[Found], bool]
    kinds: Sequence[str] = KINDS


def _seconds(name: str) -> Callable[[Found], str]:
    return lambda found: "never" if found.get(name) is None else f"{found[name]:.1f} s"


def _within(name: str, limit_s: float) -> Callable[[Found], bool]:
    return lambda found: found.get(name) is not None and found[name] <= limit_s


def _admitted(found: Found) -> str:
    return str(found["admitted"])


def _passed(found: Found) -> str:
    return str(found["passed"])


def _heard(found: Found) -> str:
    return "yes" if found["heard"] else "no"


def _outage(found: Found) -> str:
    return f"{found['passed']}, {found['raised']}, {found['longest_ms']} ms"


ROWS = [
    Row("threads", "8 threads with calls of 50 ms", lambda f: f"{f['ms']} ms", lambda f: f["ms"] < 150),
    Row("herd", "16 processes at half open, 3 permits: pass", _admitted, lambda f: f["admitted"] == 3),
    Row("killed", "only prober killed: calls again after", _seconds("recovered_s"), _within("recovered_s", 7), FLEETS),
    Row("cold", "cold process, 1000 calls, open: pass", _admitted, lambda f: f["admitted"] == 0),
    Row(
        "pooled",
        "8 processes, 120 failures, 20 open it: made",
        lambda f: f"{f['made']}, open in {f['open_in']}",
        lambda f: f["made"] < 60 and f["open_in"] == 8,
        FLEETS,
    ),
    Row("late", "late probe in the next round: of 10 pass", _passed, lambda f: f["passed"] <= 1, FLEETS),
    Row(
        "outage",
        "open, Redis killed, back empty: pass, raise, longest",
        _outage,
        lambda f: not f["passed"] and not f["raised"] and f["longest_ms"] < 600,
        FLEETS,
    ),
    Row("backwards", "clock set back by 1 h, open for 1 s: tried after", _seconds("tried_s"), _within("tried_s", 2)),
    Row("forked", "a child's failures reach its parent", _heard, lambda f: bool(f["heard"]), FLEETS),
]  # fmt: skip


@pytest.fixture(scope="module")
def pythons() -> dict[str, Path]:
    """The interpreter of each kind that can be run here."""
    python, why = peers.python_with("breakers", HERE / "peers.txt")
    if python is None:
        printing.heading(f"Breakers: the peers are missing, ours alone ({why})")
    return {kind: Path(sys.executable) if kind == "ours" else python for kind in KINDS if kind == "ours" or python}  # type: ignore[misc]


@contextlib.contextmanager
def own_redis(folder: Path, *, runs: bool) -> Iterator[tuple[str, str]]:
    """The address of an empty Redis and the path of its program; ``runs``: it is started, else its port is free."""
    binary = find_binary(unpacked_under=stack.ROOT)
    assert binary is not None, "redis-server is missing: run make setup"
    port = ports.any_free()
    words = [str(binary), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL) if runs else None
    try:
        if server is not None:
            time.sleep(0.4)
        yield f"redis://127.0.0.1:{port}/0", str(binary)
    finally:
        if server is not None:
            server.kill()
            server.wait()


def play(act: str, kind: str, python: Path, folder: Path) -> Found:
    """Play an act with one kind of breaker; return what it found."""
    with own_redis(folder, runs=act != "outage") as (url, binary):
        words = [str(python), str(HERE / "acts.py"), act, kind, url, binary]
        env = {**os.environ, "TMPDIR": str(folder)}
        done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=180, check=False)
    if done.returncode or not done.stdout.strip():
        raise AssertionError(f"{act} with {kind}: {done.stderr[-2000:]}")
    found: Found = json.loads(done.stdout.strip().splitlines()[-1])
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_behaviour(pythons: dict[str, Path], folder: Path) -> None:
    printing.heading("Breakers in trouble, each with its own Redis where it shares one (! is not right)")
    width = max(len(row.words) for row in ROWS)
    sys.stdout.write(f"  {'':<{width}}" + "".join(f" {kind:>16}" for kind in pythons) + "\n")
    wrong: list[str] = []
    for row in ROWS:
        line = f"  {row.words:<{width}}"
        for kind, python in pythons.items():
            if kind not in row.kinds:
                line += f" {'shares nothing':>16}"
                continue
            found = play(row.act, kind, python, folder)
            is_right = row.right(found)
            line += f" {row.shown(found) + ('' if is_right else ' !'):>16}"
            if kind == "ours" and not is_right:
                wrong.append(f"{row.words}: {found}")
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    assert not wrong, wrong


def test_what_a_call_costs(pythons: dict[str, Path], folder: Path) -> None:
    printing.heading("A call through a breaker, single thread: bare call, closed, rejected by an open one")
    closed: dict[str, float] = {}
    opened: dict[str, float] = {}
    for kind, python in pythons.items():
        found = {**play("rejecting", kind, python, folder), **play("speed", kind, python, folder)}
        closed[kind], opened[kind] = found["closed_us"], found["open_us"]
        times = found["closed_us"] / found["bare_us"], found["open_us"] / found["bare_us"]
        note = f"open {found['open_us']:.2f} us; {times[0]:,.0f} and {times[1]:,.0f} times a bare call"
        printing.figure(kind, f"{found['closed_us']:.2f} us", note)
    assert closed["ours"] <= 1.5
    assert opened["ours"] <= 2.0
    slower = [kind for kind in ("pybreaker", "purgatory", "interlock") if closed.get(kind, 99.0) <= closed["ours"]]
    assert not slower, f"{slower} cost less"


def test_sixteen_processes(pythons: dict[str, Path], folder: Path) -> None:
    printing.heading("Sixteen processes over one Redis, a call each 5 ms; then all fail, five open it")
    for kind in FLEETS:
        if kind not in pythons:
            continue
        found = play("fleet", kind, pythons[kind], folder)
        herd = play("herd", kind, pythons[kind], folder)
        killed = play("killed", kind, pythons[kind], folder)
        told = "never" if found.get("all_ms") is None else f"{found['all_ms']} ms"
        recovered = _seconds("recovered_s")(killed)
        note = (
            f"from first failure to all rejecting; {found.get('before', 0)} calls failed until then, "
            f"{found['leaked']} leaked while open; probes {herd['admitted']} of 3; prober killed: {recovered}"
        )
        printing.figure(kind, told, note)
        if kind == "ours":
            assert found["all_ms"] is not None
            assert found["all_ms"] < 1000
            assert (found["leaked"], herd["admitted"]) == (0, 3)
