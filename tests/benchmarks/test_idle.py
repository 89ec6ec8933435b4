"""What the whole demo costs while nobody looks: memory and processor share of every process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reliability.embedded import stack
from tests.benchmarks import printing

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(600)]

WATCHED_S = 60
LIMIT_MB = 2_500
ROOT = Path(__file__).parents[2]


def test_idle_demo() -> None:
    folder = stack.ROOT / "bench"
    env = {name: value for name, value in os.environ.items() if name not in stack.VARIABLES.values()}
    began = time.monotonic()
    demo = subprocess.Popen(
        [sys.executable, "-m", "reliability.embedded", "demo", str(folder)],
        cwd=ROOT,
        env=env,
        stdout=subprocess.DEVNULL,
    )
    try:
        while not (folder / "state.json").exists() or not json.loads((folder / "state.json").read_text()).get(
            "processes", {}
        ).get("demo"):
            assert demo.poll() is None, "the demo ended"
            assert time.monotonic() - began < 180
            time.sleep(0.5)
        time.sleep(30)
        show(demo.pid, json.loads((folder / "state.json").read_text())["processes"])
    finally:
        demo.send_signal(signal.SIGTERM)
        demo.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def show(supervisor: int, named: dict[str, int]) -> None:
    names = {pid: name for name, pid in named.items()}
    before = {pid: printing.cpu_s(pid) for pid in printing.tree(supervisor)}
    time.sleep(WATCHED_S)
    printing.heading(f"The whole demo, watched for {WATCHED_S} s with one order a second")
    total_mb = total_share = 0.0
    for pid, used_s in before.items():
        if not os.path.exists(f"/proc/{pid}"):
            continue
        memory, share = printing.memory_mb(pid), (printing.cpu_s(pid) - used_s) / WATCHED_S
        total_mb, total_share = total_mb + memory, total_share + share
        name = names.get(pid) or Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:40]
        if memory > 5 or share > 0.002:
            printing.figure(name, f"{memory:.0f} MB", f"{share:.1%} of a processor")
    printing.figure("all together", f"{total_mb:,.0f} MB", f"{total_share:.1%} of a processor; limit {LIMIT_MB:,} MB")
    assert total_mb < LIMIT_MB
