"""PostgreSQL is killed, Redis is flushed while sagas run: effects here happened once, and each saga came to its end."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from tests.scenarios.sagas.worker import Elsewhere
from tests.scenarios.tally import Tally
from tests.support.system import System, wait_until

pytestmark = [pytest.mark.scenario, pytest.mark.slow, pytest.mark.timeout(240)]

NAME = "sagas-service"
OVER = ("completed", "compensated")


def statuses(system: System) -> Counter[str]:
    return Counter(dict(system.rows("SELECT status, count(*) FROM sagas_saga WHERE definition = 'trade' GROUP BY 1")))


def ended(system: System) -> int:
    found = statuses(system)
    return sum(found[status] for status in OVER)


def test_sagas_go_on_after_postgresql_was_killed(system: System, tally: Tally, tmp_path: Path) -> None:
    begin(system)
    ledger = tmp_path / "ledger"
    system.run(system.service(NAME, "-m", "tests.scenarios.sagas.service", str(ledger)))
    wait_until(lambda: ended(system) >= 20, within_s=60, what=lambda: f"sagas end\n{system.log(NAME)}")
    for _ in range(2):
        system.kill_server("postgresql")
        time.sleep(1.5)
        system.start_server("postgresql")
        before = ended(system)
        wait_until(lambda before=before: ended(system) > before + 10, within_s=60, what="sagas go on")
    finish(system, tally, ledger)


def test_sagas_go_on_after_redis_was_flushed(system: System, tally: Tally, tmp_path: Path) -> None:
    """Wake-ups are lost with it, and what Celery keeps of its queues; the sagas are not there."""
    begin(system)
    ledger = tmp_path / "ledger"
    system.need("beat")
    system.run(system.service(NAME, "-m", "tests.scenarios.sagas.service", str(ledger), "0"))
    words = ["-m", "celery", "--app", "tests.scenarios.sagas.by_celery", "--quiet", "worker", "--queues", "standard"]
    celery = system.service("sagas-celery", *words, "--pool", "threads", "--concurrency", "2")
    system.run(replace(celery, env={**(celery.env or {}), "SCENARIO_LEDGER": str(ledger)}))
    wait_until(lambda: ended(system) >= 20, within_s=90, what=lambda: f"sagas end\n{system.log('sagas-celery')}")
    with redis.Redis.from_url(system.addresses.redis_url) as server:
        for _ in range(3):
            server.flushall()
            before = ended(system)
            wait_until(
                lambda before=before: ended(system) > before + 10,  # type: ignore[misc]
                within_s=60,
                what=lambda: f"sagas go on\n{system.log('sagas-celery')}",
            )
    finish(system, tally, ledger)
    system.stop("sagas-celery")


def begin(system: System) -> None:
    """Forget what a scenario before has left."""
    system.rows("DROP TABLE IF EXISTS test_sagas_ledger; CREATE TABLE test_sagas_ledger (key text NOT NULL)")
    system.rows("TRUNCATE sagas_saga CASCADE")


def finish(system: System, tally: Tally, ledger: Path) -> None:
    """Have no more begun, wait until all are over, and look what they did."""
    os.kill(system.pid(NAME), signal.SIGUSR1)

    def all_ended() -> bool:
        return set(statuses(system)) <= set(OVER)

    wait_until(all_ended, within_s=90, what=lambda: f"all end: {statuses(system)}\n{system.log(NAME)[-3000:]}")
    check(system, tally, Elsewhere(ledger))
    system.stop(NAME)


def check(system: System, tally: Tally, elsewhere: Elsewhere) -> None:
    """What PostgreSQL has said is done is done, once; every call elsewhere has one key."""
    here = [key for (key,) in system.rows("SELECT key FROM test_sagas_ledger")]
    doubled = sum(count - 1 for count in Counter(here).values())
    there = Counter(elsewhere.done())
    tally.add("sagas", total=sum(statuses(system).values()))
    tally.add("local effects", total=len(here), doubled=doubled)
    tally.add("calls elsewhere", total=len(there))
    assert doubled == 0, "a local effect happened twice"
    assert max(there.values()) == 1
    rows = system.rows("SELECT id::text, status FROM sagas_saga WHERE definition = 'trade'")
    done = set(here) | set(there)
    for saga_id, status in rows:
        assert f"{saga_id}:reserve:do" in done
        assert (f"{saga_id}:reserve:undo" in done) == (status == "compensated")
        assert (f"{saga_id}:ship:do" in done) == (status == "completed")
    assert "what the histories say" in system.manage("sagas", "verify")
