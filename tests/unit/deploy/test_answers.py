"""The health check of web asks under a name that the console takes, and says no when nobody answers."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from reliability.embedded import ports
from tests.support import deployed

PROGRAM = deployed.DEPLOY / "image" / "answers.py"


class Console(http.server.BaseHTTPRequestHandler):
    """Takes one name, as Django does, and remembers what it was asked."""

    asked: list[tuple[str, str]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, str(self.headers["Host"])))
        self.send_response(200 if self.headers["Host"] in ("console.example", "example.com", "127.0.0.1") else 400)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        return None


@pytest.fixture
def port() -> Iterator[int]:
    Console.asked.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Console) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def ask(port: int, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", str(PROGRAM), str(port)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.mark.parametrize(
    ("allowed", "name"),
    [
        ("console.example,web", "console.example"),
        (".example.com", "example.com"),
        ("*", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_it_asks_under_the_first_name_that_is_allowed(port: int, allowed: str, name: str) -> None:
    done = ask(port, MAINSTAY_ALLOWED_HOSTS=allowed)
    assert (done.returncode, done.stdout) == (0, "answers 200\n"), done.stderr
    assert Console.asked == [("/health/live", name)]


def test_a_refusal_and_no_answer_are_no_health(port: int) -> None:
    assert ask(port, MAINSTAY_ALLOWED_HOSTS="elsewhere.example").returncode == 1
    nobody = ask(ports.any_free())
    assert nobody.returncode == 1
    assert nobody.stderr.startswith("no answer: ")
