"""How long the pages of dead letters take with 100,000 letters stored, asked one after the other over HTTP."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

from dlq.operations import ingest
from reliability.access.models import Account
from reliability.embedded import ports
from reliability.kernel import clock, wire
from reliability.kernel.record import Record
from tests.benchmarks import printing
from tests.benchmarks.test_relay import database_url

pytestmark = [pytest.mark.benchmark, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

LETTERS = 100_000
GROUPS = 40
ASKED = 60
AIM_MS = 150
ROOT = Path(__file__).parents[2]


def letter(number: int) -> Record:
    kind = number % GROUPS
    return Record(
        topic="orders.placed.payments.dlq",
        partition=number % 3,
        offset=number,
        key=b"ord-%d" % (number % 20_000),
        value=b'{"order_id": "ord-%d", "amount": %d, "note": "%s"}' % (number, number, b"x" * 400),
        headers=(
            (wire.DLQ_ORIGIN_TOPIC, b"orders.placed"),
            (wire.DLQ_ORIGIN_PARTITION, b"%d" % (number % 3)),
            (wire.DLQ_ORIGIN_OFFSET, b"%d" % number),
            (wire.DLQ_GROUP, b"payments-%d" % (kind % 4)),
            (wire.DLQ_ATTEMPTS, b"3"),
            (wire.DLQ_ERROR_TYPE, b"shop.Error%d" % kind),
            (wire.DLQ_ERROR_MESSAGE, b"order %d cannot be charged" % number),
            (wire.DLQ_CAUSE, b"dependency"),
        ),
        timestamp_ms=1_760_000_000_000 + number,
    )


@pytest.fixture
def console():
    now = clock.SYSTEM.now()
    for start in range(0, LETTERS, 1_000):
        records = [letter(number) for number in range(start, start + 1_000)]
        ingest.store(records, cluster="main", topic_ids={"orders.placed.payments.dlq": "t"}, now=now)
    with connection.cursor() as cursor:
        cursor.execute("analyze")
    port = ports.any_free()
    env = {**os.environ, "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "-m", "uvicorn", "reliability.asgi:application", "--port", str(port), "--no-access-log"]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address}/health/live", timeout=5).close()
                break
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def session() -> str:
    user = get_user_model().objects.create_user("bench", password="bench bench bench")
    Account.objects.create(user=user, role="operator", topic_scopes=["*"])
    store = SessionStore()
    store["_auth_user_id"] = str(user.pk)
    store["_auth_user_backend"] = settings.AUTHENTICATION_BACKENDS[0]
    store["_auth_user_hash"] = user.get_session_auth_hash()
    store.save()
    return f"{settings.SESSION_COOKIE_NAME}={store.session_key}"


def ask(address: str, path: str, cookie: str) -> float:
    began = time.perf_counter()
    request = urllib.request.Request(address + path, headers={"Cookie": cookie})
    with urllib.request.urlopen(request, timeout=30) as answer:
        body = answer.read()
        assert "/accounts/login/" not in answer.url, "not signed in"
        assert body
    return (time.perf_counter() - began) * 1000


def test_pages(console: str) -> None:
    cookie = session()
    with connection.cursor() as cursor:
        cursor.execute("select max(id), max(group_id) from dlq_letter")
        letter_id, group_id = cursor.fetchone()
    pages = {
        "overview": "/",
        "groups": "/letters/",
        "one group": f"/letters/groups/{group_id}/",
        "letters": "/letters/all/",
        "letters of one key": "/letters/all/?q=key:ord-17",
        "letters by text": "/letters/all/?q=order_id+ord-99999",
        "one letter": f"/letters/{letter_id}/",
        "API letters": "/api/v1/letters",
        "API groups": "/api/v1/letter-groups",
    }
    printing.heading(f"Pages with {LETTERS:,} letters in {GROUPS} groups, {ASKED} requests each")
    for name, path in pages.items():
        for _ in range(5):
            ask(console, path, cookie)
        waits = [ask(console, path, cookie) for _ in range(ASKED)]
        p50, p95 = printing.percentile(waits, 0.5), printing.percentile(waits, 0.95)
        printing.figure(f"{name}: p50 / p95", f"{p50:.0f} / {p95:.0f}", f"ms, aim under {AIM_MS}")
