"""Burrow (the Debian package `burrow`, 1.2.1) as a process beside a benchmark, set to look as often as ours does.

It asks for the ends of logs in a way that Kafka 4 does not answer any more, so both are measured on a Kafka 3.9.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks import zookeeper
from tests.support import own_broker
from tests.support.waiting import wait_until

PROGRAM = os.environ.get("MAINSTAY_BURROW") or shutil.which("burrow") or shutil.which("Burrow")
ABSENT = "not installed: apt-get install burrow, or name it with MAINSTAY_BURROW"
RED = frozenset({"STOP", "STALL", "REWIND", "ERR"})

_SETTINGS = """
[general]
pidfile="{folder}/burrow.pid"
[logging]
filename="{folder}/burrow.log"
level="warn"
[zookeeper]
servers=["{zookeeper}"]
timeout=6
root-path="/burrow"
[client-profile.bench]
client-id="burrow-bench"
kafka-version="2.0.0"
[cluster.local]
class-name="kafka"
servers=["{servers}"]
client-profile="bench"
topic-refresh=5
offset-refresh={refresh_s}
[consumer.local]
class-name="kafka"
cluster="local"
servers=["{servers}"]
client-profile="bench"
[storage.default]
class-name="inmemory"
workers=4
intervals=10
expire-group=604800
min-distance=1
[evaluator.default]
class-name="caching"
expire-cache={refresh_s}
[httpserver.default]
address="127.0.0.1:{port}"
"""


class OlderBroker(own_broker.OwnBroker):
    """Kafka 3.9."""

    lock = Path(__file__).with_name("kafka-3.9.lock")


class Burrow:
    """A running Burrow."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/v3/kafka/local"

    def groups(self) -> list[str]:
        """The groups that it knows."""
        return list(self._ask("consumer").get("consumers") or [])

    def word(self, group: str) -> str:
        """The worst status of a group's partitions; "" while it does not know the group."""
        found = self._ask(f"consumer/{group}/lag").get("status") or {}
        words = {str(each["status"]) for each in found.get("partitions") or []}
        return next(iter(sorted(words & RED)), str(found.get("status", "")))

    def _ask(self, path: str) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"{self._url}/{path}", timeout=5) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except OSError:  # not there yet, or it knows no such group
            return {}


@contextmanager
def running(folder: Path, *, servers: str, refresh_s: int) -> Iterator[Burrow | None]:
    """Start Burrow against these servers; None where it is not installed."""
    if PROGRAM is None:
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    with zookeeper.standing_in() as address, (folder / "out").open("w") as out:
        settings = _SETTINGS.format(folder=folder, servers=servers, refresh_s=refresh_s, port=port, zookeeper=address)
        (folder / "burrow.toml").write_text(settings, encoding="utf-8")
        process = subprocess.Popen([PROGRAM, "--config-dir", str(folder)], stdout=out, stderr=subprocess.STDOUT)
        try:
            burrow = Burrow(port)
            wait_until(burrow.groups, within_s=60, what=lambda: _said(folder))
            yield burrow
        finally:
            process.terminate()
            process.wait(20)


def _said(folder: Path) -> str:
    return "".join((folder / name).read_text()[-2_000:] for name in ("out", "burrow.log") if (folder / name).exists())
