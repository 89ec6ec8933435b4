"""Every command that a container runs, run in a clean folder with the locked production set and nothing else."""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request
from pathlib import Path

import psycopg
import pytest

from reliability.embedded import browser_files, waiting
from tests.support import deployed, production
from tests.support.production import Container
from tests.support.waiting import wait_until

STARTS_WITHIN_S = 90.0
pytestmark = pytest.mark.timeout(300)


def test_every_process_works_writes_nothing_beside_its_tmp_and_ends_when_asked(
    containers: dict[str, Container], app: Path, secrets: Path
) -> None:
    before = production.contents(app)
    migrated = containers["migrate"].run()
    assert migrated.returncode == 0, migrated.stdout + migrated.stderr
    account = containers["account"].run()
    assert account.returncode == 0, account.stdout + account.stderr
    running = {name: containers[name] for name in deployed.processes()}
    for each in running.values():
        each.start()
    for each in running.values():
        _wait_until_it_works(each, secrets)
    _look_at_the_console(running["web"])
    doctor = running["web"].run("python", "manage.py", "doctor")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    _end(running, secrets)
    after = production.contents(app)
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} == set()


def _wait_until_it_works(each: Container, secrets: Path) -> None:
    def what() -> str:
        return f"{each.service} works\n{each.log}"

    wait_until(lambda: _state(secrets, each.service) == "running", within_s=STARTS_WITHIN_S, what=what)
    wait_until(each.is_healthy, within_s=STARTS_WITHIN_S, what=what)


def _state(secrets: Path, name: str) -> str | None:
    """What a process said last in the database."""
    with psycopg.connect((secrets / "database_url").read_text()) as connection:
        row = connection.execute(
            "SELECT state FROM reliability_live_heartbeat WHERE name = %s ORDER BY at DESC LIMIT 1", [name]
        ).fetchone()
    return row[0] if row else None


def _look_at_the_console(web: Container) -> None:
    address = f"http://127.0.0.1:{web.port}"
    with urllib.request.urlopen(f"{address}/health/ready", timeout=10) as answer:
        assert b'"ready"' in answer.read()
    with urllib.request.urlopen(f"{address}/accounts/login/", timeout=10) as answer:
        files = [part.partition('"')[0] for part in answer.read().decode().split('"/static/')[1:]]
    collected = json.loads((web.app / ".mainstay/static/staticfiles.json").read_text())["paths"]
    libraries = [collected[f"vendor/{name}"] for names in browser_files.FILES.values() for name in names]
    for name in files + libraries:
        with urllib.request.urlopen(f"{address}/static/{name}", timeout=10) as answer:
            assert answer.read(), name
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{address}/metrics", timeout=10)


def _end(running: dict[str, Container], secrets: Path) -> None:
    for each in running.values():
        assert each.child is not None
        assert each.child.running, each.log
        each.child.ask_to_stop()
    for name, each in running.items():
        child, grace_s = each.child, deployed.seconds(each.described["stop_grace_period"])
        assert child is not None
        assert waiting.until(lambda child=child: not child.running, timeout_s=grace_s), each.log
        # uvicorn ends itself by the signal it got, once all is closed; number 1 of a container ends with 0 then.
        assert child.exit_code in (0, -signal.SIGTERM if name == "web" else 0), each.log
        assert _state(secrets, name) == "stopped", each.log


def test_a_missing_secret_is_refused_with_its_name(containers: dict[str, Container], secrets: Path) -> None:
    key = secrets / "secret_key"
    kept = key.read_text()
    key.unlink()
    try:
        refused = containers["letters"].run()
    finally:
        key.write_text(kept)
    assert refused.returncode != 0
    assert "MAINSTAY_SECRET_KEY_FILE names" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_process_that_stands_still_is_not_alive(containers: dict[str, Container]) -> None:
    letters = containers["letters"]
    alive = Path(letters.env["MAINSTAY_ALIVE_PATH"])
    alive.parent.mkdir(exist_ok=True)
    alive.unlink(missing_ok=True)
    assert not letters.is_healthy()
    alive.touch()
    assert letters.is_healthy()
    os.utime(alive, (0, 0))
    silent = letters.run(*letters.described["healthcheck"]["test"][1:])
    assert silent.returncode == 1
    assert "not alive" in silent.stderr
    for words in ((), ("many",)):
        assert letters.run("/app/deploy/image/alive", *words).returncode == 2


def test_its_root_file_system_is_read_only(containers: dict[str, Container]) -> None:
    if not production.can_close():
        pytest.skip("this machine lets nobody have a read-only root file system (unshare --mount): files are compared")
    web = containers["web"]
    refused = web.run("touch", "/app/manage.py")
    assert refused.returncode != 0
    assert "Read-only file system" in refused.stderr
    assert web.run("touch", "/tmp/anything").returncode == 0
