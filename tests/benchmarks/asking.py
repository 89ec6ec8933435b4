"""A console of its own, asked one page after the other over HTTP, and how long each takes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection

from reliability.access.models import Account
from reliability.embedded import ports
from tests.benchmarks import printing
from tests.benchmarks.test_relay import database_url

ASKED = 60
AIM_MS = 150
ROOT = Path(__file__).parents[2]


@contextmanager
def serving() -> Iterator[str]:
    """Start the console over the tests' database; yields its address."""
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


def session(name: str = "bench", *, topics: tuple[str, ...] = ("*",)) -> str:
    """The cookie of an operator who sees these topics."""
    user = get_user_model().objects.create_user(name, password="bench bench bench")
    Account.objects.create(user=user, role="operator", topic_scopes=list(topics))
    store = SessionStore()
    store["_auth_user_id"] = str(user.pk)
    store["_auth_user_backend"] = settings.AUTHENTICATION_BACKENDS[0]
    store["_auth_user_hash"] = user.get_session_auth_hash()
    store.save()
    return f"{settings.SESSION_COOKIE_NAME}={store.session_key}"


def ask(address: str, path: str, cookie: str) -> float:
    """Milliseconds that a page took."""
    began = time.perf_counter()
    request = urllib.request.Request(address + path, headers={"Cookie": cookie})
    with urllib.request.urlopen(request, timeout=30) as answer:
        body = answer.read()
        assert "/accounts/login/" not in answer.url, "not signed in"
        assert body
    return (time.perf_counter() - began) * 1000


def measure(address: str, pages: Mapping[str, str], cookie: str) -> None:
    """Ask each page again and again, and print how long it took."""
    for name, path in pages.items():
        for _ in range(5):
            ask(address, path, cookie)
        waits = [ask(address, path, cookie) for _ in range(ASKED)]
        p50, p95 = printing.percentile(waits, 0.5), printing.percentile(waits, 0.95)
        printing.figure(f"{name}: p50 / p95", f"{p50:.0f} / {p95:.0f}", f"ms, aim under {AIM_MS}")
