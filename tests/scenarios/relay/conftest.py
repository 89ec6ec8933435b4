"""An outbox of its own, a topic on the real broker, and relays that may be killed."""

from __future__ import annotations

import os
import signal
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from reliability.kafka import clusters
from tests.support import database, nursery
from tests.support import outbox as outbox_support
from tests.support.waiting import wait_until


class Relays:
    """Starts ``relay_outbox`` on the test's database, one at a time, each in a process of its own."""

    def __init__(self, log: Path) -> None:
        self._log = log
        env = {**os.environ, "DATABASE_URL": database.url(), "DJANGO_SETTINGS_MODULE": "reliability.settings"}
        self._nursery = nursery.Nursery(env=env, imports=["outbox.management.commands.relay_outbox"])
        self._process: nursery.Child | None = None

    def start(self, *, failpoint: str = "") -> None:
        """Start one; it dies at the failpoint, when one is named."""
        self._process = self._nursery.start(
            "django.core.management:call_command",
            "relay_outbox",
            env={"MAINSTAY_FAILPOINT": failpoint},
            log=self._log,
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
        self._nursery.close()


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
