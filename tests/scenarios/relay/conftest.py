"""An outbox of its own, a topic on the real broker, and relays that may be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from reliability.kafka import clusters
from tests.support import database
from tests.support import outbox as outbox_support
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[3]


class Relays:
    """Starts ``manage.py relay_outbox`` on the test's database, one at a time."""

    def __init__(self, log: Path) -> None:
        self._log = log.open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *, failpoint: str = "") -> None:
        """Start one; it dies at the failpoint, when one is named."""
        env = {
            **os.environ,
            "DATABASE_URL": database.url(),
            "DJANGO_SETTINGS_MODULE": "reliability.settings",
            "MAINSTAY_FAILPOINT": failpoint,
        }
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "relay_outbox"], cwd=ROOT, env=env, stdout=self._log, stderr=self._log
        )

    def await_death(self, *, within_s: float = 90.0) -> int:
        """Wait until the relay has died of its own; return its exit code."""
        assert self._process is not None
        return self._process.wait(within_s)

    def kill(self) -> None:
        """``kill -9``."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def stop(self) -> float:
        """SIGTERM; return the seconds that it took to end."""
        assert self._process is not None
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(20) == 0
        return time.monotonic() - began

    def close(self) -> None:
        """Leave nothing behind."""
        self.kill()
        self._log.close()


@pytest.fixture
def relays(transactional_db: None, tmp_path: Path) -> Iterator[Relays]:
    outbox_support.empty()
    made = Relays(tmp_path / "relay.log")
    yield made
    made.close()
    sys.stdout.write((tmp_path / "relay.log").read_text()[-5_000:])  # shown when the test fails


@pytest.fixture
def topic() -> Iterator[str]:
    name, admin = f"kills-{uuid.uuid4().hex[:8]}", clusters.admin()
    assert admin.create_topics({name: 3}) == {name: None}
    wait_until(lambda: admin.partition_count(name) == 3, within_s=20, what=f"topic {name} is there")
    yield name
    admin.delete_topic(name)
