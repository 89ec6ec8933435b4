"""PostgreSQL that wants TLS and a certificate: each connection of ours gets in, and checks whom it asks."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import pytest

from reliability.certificates.connection import shown
from reliability.kernel.certificates import Certificate
from tests.support.certificates import Authority, Pair
from tests.support.tls_proxy import Proxy, behind_tls

ROOT = Path(__file__).parents[3]
WITHIN_S = 40
EVERY_CONNECTION = """
import asyncio, json
from concurrent.futures import Future
import django
django.setup()
from django.db import connection
from outbox.operations import upkeep
from outbox.relay.reading import Source
from reliability.console import probing

held = []
with connection.cursor() as cursor:
    cursor.execute("select 1")
reader = Source.__new__(Source)
reader._wrapper = None
held.append(reader._connection())

async def main():
    asker = probing.Asker()
    assert await asker.ask(within_s=10) is None
    answer = Future()
    await asyncio.to_thread(probing.attempt, answer)
    answer.result(0)
    def told():
        with connection.cursor() as cursor:
            cursor.execute("select distinct application_name from pg_stat_activity")
            return [name for (name,) in cursor.fetchall() if name.startswith("mainstay")]
    found = await asyncio.to_thread(told)
    await asker.close()
    return found

print(json.dumps(asyncio.run(main())))
"""


CHECK = """
import django
django.setup()
from reliability.console import checks
result = checks.database()
print(result.verdict, result.found)
"""


def _inner() -> SplitResult:
    return urlsplit(os.environ["DATABASE_URL"])


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def proxy(authority: Authority) -> Iterator[Proxy]:
    """The tests' database behind TLS: the one that is started beside the project is built without it."""
    with behind_tls(
        int(_inner().port or 0), authority.sign("database"), client_ca=authority.file, asks_first=True
    ) as made:
        yield made


def certificate_of(proxy: Proxy) -> Certificate | None:
    """The certificate that the server shows to whoever looks how long it holds."""
    with suppress(OSError):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return shown("127.0.0.1", proxy.port, context=context, asks_first=True, within_s=2.0)
    return None


def run(proxy: Proxy, words: str, *arguments: str, host: str = "127.0.0.1") -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "DJANGO", "KAFKA"))}
    login = f"{_inner().username}:{_inner().password}"
    env |= {
        "DJANGO_SETTINGS_MODULE": "reliability.settings",
        "DATABASE_URL": f"postgresql://{login}@{host}:{proxy.port}{_inner().path}?{words}",
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "MAINSTAY_SECRET_KEY": "x" * 40,
    }
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=env, capture_output=True, text=True, timeout=WITHIN_S, check=False
    )


def words(authority: Authority, ours: Pair, *, ca: Path | None = None) -> str:
    return f"sslmode=verify-full&sslrootcert={ca or authority.file}&sslcert={ours.certificate}&sslkey={ours.key}"


def test_its_certificate_is_seen_before_anybody_signs_in(proxy: Proxy):
    certificate = certificate_of(proxy)
    assert certificate is not None
    assert certificate.subject == "CN=database"


def test_every_connection_of_ours_uses_what_the_address_says(proxy: Proxy, authority: Authority):
    ours, before = authority.sign("console"), len(proxy.subjects)
    done = run(proxy, words(authority, ours), "-c", EVERY_CONNECTION)
    assert done.returncode == 0, done.stderr[-2000:]
    assert set(json.loads(done.stdout.splitlines()[-1])) == {"mainstay", "mainstay-watch"}
    assert len(proxy.subjects) - before >= 4  # the pool's, the relay's, the watch's two
    assert set(proxy.subjects[before:]) == {"commonName=console"}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("authority", "certificate verify failed"),
        ("host name", "does not match host name"),
        ("no certificate", "connection to server at"),
        ("expired", "connection to server at"),
    ],
)
def test_doctor_says_what_is_wrong(proxy: Proxy, authority: Authority, tmp_path: Path, wrong: str, told: str):
    stranger = Authority(tmp_path / "stranger", name="stranger")
    ours = authority.sign("console")
    said = words(authority, ours, ca=stranger.file if wrong == "authority" else None)
    host = "elsewhere.example" if wrong == "host name" else "127.0.0.1"  # hostaddr leads to the same server
    if wrong == "no certificate":
        said = f"sslmode=verify-full&sslrootcert={authority.file}"
    if wrong == "expired":
        said = words(authority, authority.sign("old", ends_at=datetime.now(UTC) - timedelta(hours=1)))
    done = run(proxy, f"{said}&hostaddr=127.0.0.1", "-c", CHECK, host=host)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("fail ")
    assert told in done.stdout
    assert str(_inner().password) not in done.stdout + done.stderr
