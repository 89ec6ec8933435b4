"""Workers of acts in bulk die between and within items, or sleep: no item is lost, none is done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from reliability.access import Role
from reliability.audit.models import Entry
from reliability.kernel import failpoint
from sagas.domain.batching import ItemState
from sagas.domain.state import Status
from sagas.models import Batch, BatchItem
from sagas.queries import histories, verifying
from tests.scenarios.sagas import batch_worker
from tests.scenarios.tally import TALLY
from tests.support import actors, database, sagas
from tests.support.batches import begin, items, plan, stuck
from tests.support.sagas import Shop, run, state
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.scenario, pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[3]
SAGAS = 20
PLACES = ("batch.item:2", "batch.done:3")
"""Before the commit of an item, and right after it."""


class Workers:
    """Starts workers on the test's database."""

    def __init__(self, folder: Path) -> None:
        self._log = (folder / "worker.log").open("ab")
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, batch: Batch, *, place: str = "", how: str = "") -> subprocess.Popen[bytes]:
        """Start one; it dies at ``place``, when one is named, and behaves as ``how`` says."""
        env = {
            **os.environ,
            "DATABASE_URL": database.url(),
            "DJANGO_SETTINGS_MODULE": "reliability.settings",
            "MAINSTAY_FAILPOINT": place,
        }
        words = [sys.executable, "-m", "tests.scenarios.sagas.batch_worker", str(batch.id), how]
        process = subprocess.Popen(words, cwd=ROOT, env=env, stdout=self._log, stderr=self._log)
        self._running.append(process)
        return process

    def close(self) -> None:
        """Leave nothing behind."""
        for process in self._running:
            process.kill()
            process.wait(10)
        self._log.close()


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    made = Workers(tmp_path)
    yield made
    made.close()


@pytest.fixture
def shop(transactional_db: None) -> Iterator[Shop]:
    actors.account(Role.OPERATOR)
    with sagas.opened() as made:
        yield made


def check(shop: Shop, batch: Batch, ids: list[UUID]) -> None:
    """Every saga was told once, has one entry on record, and what followed happened once."""
    batch.refresh_from_db()
    assert (batch.state, {item.state for item in items(batch)}) == ("done", {"done"})
    for saga_id in ids:
        kinds = Counter(str(entry.kind) for _, entry in histories.events(saga_id))
        assert kinds["retried"] == 1
    parts = [entry for entry in Entry.objects.filter(act="sagas.act") if "item" in entry.facts]
    assert Counter(entry.facts["item"] for entry in parts) == Counter(range(1, len(ids) + 1))
    assert {entry.outcome for entry in parts} == {"done"}
    run()
    assert {state(saga_id).status for saga_id in ids} == {Status.COMPLETED}
    shipped = Counter(key for key in shop.keys if ":ship:" in key)
    assert (len(shipped), set(shipped.values())) == (len(ids), {1})
    assert list(verifying.differences()) == []
    TALLY.add("sagas acted on in bulk", total=len(ids))


def test_workers_die_within_and_between_items(shop: Shop, workers: Workers) -> None:
    ids = stuck(shop, SAGAS)
    batch = plan()
    begin(batch)
    for place in PLACES:
        assert workers.start(batch, place=place).wait(60) == failpoint.EXIT_CODE, place
    assert len(items(batch, ItemState.DONE)) == 1 + 3
    assert workers.start(batch).wait(60) == 0
    check(shop, batch, ids)


@pytest.mark.slow
def test_worker_beside_worker_is_killed(shop: Shop, workers: Workers) -> None:
    """``kill -9`` at moments that nobody chose, with another worker at the same batch."""
    ids = stuck(shop, SAGAS)
    batch = plan()
    begin(batch)
    both = [workers.start(batch), workers.start(batch)]
    wait_until(lambda: BatchItem.objects.filter(state="done").count() >= 2, what="some are done", within_s=60)
    for process in both:
        process.kill()
        process.wait(10)
    assert workers.start(batch).wait(60) == 0
    check(shop, batch, ids)


@pytest.mark.slow
def test_a_worker_that_sleeps_holds_up_one_item_only(shop: Shop, workers: Workers) -> None:
    ids = stuck(shop, SAGAS)
    batch = plan()
    begin(batch)
    sleeper = workers.start(batch, how=batch_worker.SLEEPS)
    assert os.WIFSTOPPED(os.waitpid(sleeper.pid, os.WUNTRACED)[1])
    assert workers.start(batch).wait(60) == 0
    assert [item.number for item in items(batch, ItemState.PLANNED)] == [2]
    sleeper.send_signal(signal.SIGCONT)
    assert sleeper.wait(60) == 0
    check(shop, batch, ids)
