"""Sagas of four steps a second beside DBOS and Absurd on one durable PostgreSQL, and beside the bare statements."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from reliability.embedded import stack
from reliability.embedded.folder import Folder
from tests.benchmarks import printing

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "sagas"
PEERS = stack.ROOT / "peers"
COUNT = 1_000
THREADS = 4
ROUNDS = 3


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The address of a PostgreSQL that waits for its disk."""
    folder = Folder(path=stack.ROOT / f"bench-{os.getpid()}")
    folder.hold()
    external = {"REDIS_URL": "redis://127.0.0.1:9/0", "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"}
    servers = stack.Stack(folder=folder, durable=True, external=external, say=lambda text: None)
    try:
        yield servers.start().database_url
    finally:
        servers.stop()
        folder.release()
        stack.remove(folder.path)


@contextlib.contextmanager
def fresh(database: str) -> Iterator[str]:
    """The address of a new database there."""
    name = f"bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(database, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield urlunsplit(urlsplit(database)._replace(path=f"/{name}"))
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def peers() -> tuple[Path | None, str]:
    """The interpreter of the peers' environment, made at the first time; or why there is none."""
    python = PEERS / "bin" / "python"
    if not python.exists():
        made = subprocess.run([sys.executable, "-m", "venv", str(PEERS)], capture_output=True, text=True, check=False)
        if made.returncode:
            return None, made.stderr.strip().splitlines()[-1]
    words = [str(python), "-m", "pip", "install", "-q", "-r", str(HERE / "peers.txt")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return (python, "") if done.returncode == 0 else (None, (done.stderr.strip().splitlines() or ["pip failed"])[-1])


def load(words: list[str], url: str, *, cwd: Path = ROOT, threads: int = THREADS) -> dict[str, Any]:
    """Run a load; return what it printed last. Raises with its own words when it fails."""
    env = {
        **os.environ,
        "DATABASE_URL": url,
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "MAINSTAY_SECRET_KEY": "only-for-a-benchmark-only-for-a-benchmark",
        "DJANGO_SETTINGS_MODULE": "reliability.settings",
        "MAINSTAY_LOG_LEVEL": "ERROR",
    }
    done = subprocess.run(
        [*words, str(COUNT), str(threads)], cwd=cwd, env=env, capture_output=True, text=True, timeout=600, check=False
    )
    if done.returncode:
        raise AssertionError(done.stderr[-2000:])
    told: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return told


def once(name: str, database: str, python: Path | None, threads: int) -> dict[str, Any]:
    """One run of a load in a database of its own."""
    ours = [sys.executable, "-m", f"tests.benchmarks.sagas.{name}"]
    with fresh(database) as url:
        if name == "ours":
            return load(ours, url, threads=threads)
        if name == "bare":
            migrate = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "sagas"]
            env = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "reliability.settings"}
            subprocess.run(migrate, cwd=ROOT, env=env, check=True, capture_output=True)
            return load(ours, url, threads=threads)
        assert python is not None
        return load([str(python), f"{name}_load.py"], url, cwd=HERE, threads=threads)


@pytest.mark.parametrize("threads", [1, THREADS])
def test_sagas_a_second(database: str, threads: int) -> None:
    python, why = peers()
    names = ["bare", "ours", *(["dbos", "absurd"] if python is not None else [])]
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    failed: dict[str, str] = {}
    for _ in range(ROUNDS):
        for name in names:
            if name not in failed:
                try:
                    runs[name].append(once(name, database, python, threads))
                except AssertionError as error:
                    if name in ("bare", "ours"):
                        raise
                    failed[name] = str(error).strip().splitlines()[-1][:200]
    words = f"{COUNT:,} from {threads} {'thread' if threads == 1 else 'threads'}, median of {ROUNDS}"
    printing.heading(f"Sagas of four steps on a durable PostgreSQL: {words}")
    rates = {name: median(each["rate"] for each in found) for name, found in runs.items() if found}
    for name, rate in rates.items():
        p99 = [each["p99_ms"] for each in runs[name] if each["p99_ms"] is not None]
        note = f"p99 of a step {median(p99):.1f} ms" if p99 else "no engine"
        printing.figure(name, f"{rate:,.0f} /s", note)
    printing.figure("ours to the bare statements", f"{rates['ours'] / rates['bare']:.2f}", "1 is the limit")
    for name in ("dbos", "absurd"):
        if name in rates:
            asked = "at least 2 is asked" if name == "dbos" else ""
            printing.figure(f"ours to {name}", f"{rates['ours'] / rates[name]:.2f}", asked)
        else:
            printing.figure(name, "not measured", failed.get(name) or why)
