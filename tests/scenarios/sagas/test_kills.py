"""Workers of sagas die at every boundary of persistence, or sleep past their lease; a ledger tells what came of it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection, transaction

import sagas
from reliability.kernel import failpoint
from sagas import definitions
from sagas.domain.state import Status
from sagas.models import Saga
from sagas.queries import histories, verifying
from tests.scenarios.sagas import worker
from tests.scenarios.tally import TALLY
from tests.support import database, nursery
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.scenario, pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

PLACES = (
    "saga.intended:1",
    "saga.intended:5",
    "saga.done:2",
    "saga.done:7",
    "saga.local:1",
    "saga.local:4",
    "saga.written:3",
    "saga.written:9",
)
# What each of the sagas does: all goes well, or a step is refused and what was done is undone.
KINDS: tuple[dict[str, str], ...] = ({}, {"refuses": "book"}, {}, {"refuses": "charge"})


class Workers:
    """Starts workers on the test's database."""

    def __init__(self, folder: Path) -> None:
        self.elsewhere = worker.Elsewhere(folder / "ledger")
        self._folder = folder
        env = {**os.environ, "DATABASE_URL": database.url(), "DJANGO_SETTINGS_MODULE": "reliability.settings"}
        self._nursery = nursery.Nursery(env=env, imports=["tests.scenarios.sagas.worker", "sagas.engine.working"])

    def start(self, *, place: str = "", stay_s: float = 20.0) -> nursery.Child:
        """Start one; it dies at ``place``, when one is named."""
        return self._nursery.start(
            "tests.scenarios.sagas.worker:main",
            str(self._folder / "ledger"),
            str(stay_s),
            env={"MAINSTAY_FAILPOINT": place},
            log=self._folder / "worker.log",
        )

    def close(self) -> None:
        """Leave nothing behind."""
        self._nursery.close()


@pytest.fixture
def workers(transactional_db: None, tmp_path: Path) -> Iterator[Workers]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS test_sagas_ledger (key text NOT NULL)")
        cursor.execute("TRUNCATE test_sagas_ledger")
    made = Workers(tmp_path)
    yield made
    made.close()
    definitions.forget("trade", 1)


def begin(workers: Workers, *, prefix: str = "", more: dict[str, object] | None = None) -> list[UUID]:
    """Start a saga of each kind."""
    definition = worker.define(workers.elsewhere)
    with transaction.atomic():
        return [
            sagas.start(definition, key=f"{prefix}t{number}", data={**kind, **(more or {})})
            for number, kind in enumerate(KINDS)
        ]


def leases_are_over() -> None:
    Saga.objects.exclude(look_at=None).update(look_at=histories.database_now())


def finish(workers: Workers) -> None:
    """Let a worker that nobody kills do the rest."""
    for _ in range(10):
        leases_are_over()
        assert workers.start().wait(60) == 0
        if not Saga.objects.filter(rank=1).exists():
            return
        time.sleep(0.1)
    raise AssertionError(list(Saga.objects.filter(rank=1).values_list("key", "step", "effect", "error")))


def here() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM test_sagas_ledger")
        return [key for (key,) in cursor.fetchall()]


def check(workers: Workers, ids: list[UUID]) -> None:
    """Nothing twice here, one key for each work there, and every saga is where it belongs."""
    local, remote = here(), workers.elsewhere.done()
    assert len(local) == len(set(local)), "a local effect happened twice"
    for number, (saga_id, kind) in enumerate(zip(ids, cycle(KINDS), strict=False)):
        saga = histories.load(saga_id, whole=True)
        of_it = [key.removeprefix(f"{saga_id}:") for key in remote if key.startswith(str(saga_id))]
        assert saga.status is (Status.COMPENSATED if kind else Status.COMPLETED), f"t{number}: {saga.reason}"
        undone = [key for key in of_it if key.endswith(":undo")]
        if undone:
            first = of_it.index(undone[0])
            assert not [key for key in of_it[first:] if key.endswith(":do")], "something was done after it was undone"
        if kind:
            owed = {key.replace(":do", ":undo") for key in of_it if key.endswith(":do")}
            assert owed <= set(undone), f"t{number}: what was done was not undone"
        assert [key for key in local if key.startswith(f"{saga_id}:reserve:undo")] == (
            [f"{saga_id}:reserve:undo"] if kind else []
        )
    assert list(verifying.differences()) == []
    TALLY.add("sagas", total=len(ids))
    TALLY.add("local effects", total=len(local))
    TALLY.add("calls elsewhere", total=len(remote))


@pytest.mark.slow
def test_workers_die_at_every_boundary(workers: Workers) -> None:
    """One after the other, each with new sagas and with what those before it left behind."""
    ids = []
    for number, place in enumerate(PLACES):
        ids += begin(workers, prefix=f"{number}-")
        assert workers.start(place=place).wait(60) == failpoint.EXIT_CODE, place
        leases_are_over()
    finish(workers)
    check(workers, ids)


def test_worker_after_worker_is_killed(workers: Workers) -> None:
    """``kill -9`` at moments that nobody chose."""
    ids = begin(workers)
    for after_s in (1.5, 1.7, 1.9):
        process = workers.start()
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        leases_are_over()
    finish(workers)
    check(workers, ids)


@pytest.mark.slow
def test_a_worker_sleeps_past_its_lease(workers: Workers) -> None:
    """It wakes up in a call that another worker has taken over: its answer is late, and nothing is lost."""
    ids = begin(workers, more={"slow": True})
    sleeper = workers.start(stay_s=30)
    wait_until(
        lambda: Saga.objects.filter(step="charge", effect="running").count() == 2, what="two calls run", within_s=30
    )
    sleeper.send_signal(signal.SIGSTOP)
    finish(workers)
    sleeper.send_signal(signal.SIGCONT)
    assert sleeper.wait(60) == 0
    finish(workers)
    check(workers, ids)
    assert Saga.objects.filter(late__gt=0).exists()
