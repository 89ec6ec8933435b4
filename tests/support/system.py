"""A whole Mainstay of its own for scenarios: servers and processes that a test may kill, stop, start and ask.

``with running(name) as system`` starts PostgreSQL, Redis and Kafka in a folder of their own and migrates; the test starts the
processes it needs by name. Nothing is shared with the servers of the other tests, so an outage harms nobody else.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from reliability.embedded import ports, processes, stack
from reliability.embedded.child import Child
from reliability.embedded.folder import Folder
from reliability.kafka.confluent import Admin, Producer

ROOT = Path(__file__).parents[2]
OPERATOR, VIEWER = "operator", "viewer"
PASSWORD = "a long password for tests"


class Answer:
    """An HTTP answer: status and JSON body (or text)."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        try:
            self.json: Any = json.loads(body)
        except ValueError:
            self.json = None
        self.text = body.decode(errors="replace")


class System:
    """Servers, processes and the console's API of one scenario."""

    def __init__(self, servers: stack.Stack, addresses: stack.Addresses, folder: Folder) -> None:
        self._servers, self.folder, self.addresses = servers, folder, addresses
        self.port = ports.any_free()
        self.env = {
            **os.environ,
            **addresses.environment(),
            "DJANGO_SETTINGS_MODULE": "reliability.settings",
            "MAINSTAY_SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests",
            "MAINSTAY_DEMO": "true",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._children: dict[str, Child] = {}
        self.tokens: dict[str, str] = {}

    def manage(self, *words: str, check: bool = True, given: str | None = None, timeout_s: float = 90) -> str:
        """Run a management command; return what it printed, raise with its errors when it fails and ``check``."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.env,
            input=given,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"manage.py {' '.join(words)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def start(self, *names: str, **environment: str) -> None:
        """Start processes by their names in the demo (``web``, ``worker-relay``, ``letters``, ...); failpoints go by environment."""
        env = {**self.env, **environment}
        table = {child.name: child for child in processes.behind(self.folder, env=env)}
        table[processes.WEB] = processes.web(self.folder, port=self.port, env=env)
        for name in names:
            self._children[name] = table[name]
            table[name].start()
        if processes.WEB in names:
            wait_until(lambda: self.get("/health/live").status == 200, within_s=40, what="the console answers")

    def kill(self, *names: str) -> None:
        """``kill -9`` processes with all they started."""
        for name in names:
            self._children[name].kill()

    def pause(self, name: str) -> None:
        """SIGSTOP a process: alive, but it does nothing."""
        os.kill(self._children[name].pid or 0, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """SIGCONT a process."""
        os.kill(self._children[name].pid or 0, signal.SIGCONT)

    def stop(self, *names: str) -> None:
        """Stop processes in order (SIGTERM)."""
        for name in names:
            self._children[name].stop()

    def running(self, name: str) -> bool:
        """Whether a process lives."""
        return name in self._children and self._children[name].running

    def log(self, name: str) -> str:
        """The last lines of a process' log."""
        return "\n".join(self._children[name].tail(lines=60))

    def stop_server(self, name: str) -> None:
        """Stop ``postgresql``, ``redis`` or ``kafka``."""
        self._servers.children[name].stop()

    def start_server(self, name: str) -> None:
        """Start a stopped server again at its address and wait until it answers."""
        self._servers.children[name].start()
        wait_until(self._servers.server(name).answers, within_s=60, what=f"{name} answers again")

    def server_pid(self, name: str) -> int:
        """The process id of a server, for signals."""
        return self._servers.children[name].pid or 0

    def database(self) -> Any:
        """A connection of its own to the system's database, autocommit."""
        import psycopg

        return psycopg.connect(self.addresses.database_url, autocommit=True)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a query on the system's database."""
        with self.database() as connection:
            return connection.execute(query, values).fetchall()

    def producer(self) -> Producer:
        """A producer on the system's broker; the caller closes it."""
        return Producer({"bootstrap.servers": self.addresses.kafka_bootstrap_servers}, client_id="scenario", extra=None)

    def admin(self) -> Admin:
        """An admin of the system's broker."""
        return Admin({"bootstrap.servers": self.addresses.kafka_bootstrap_servers}, client_id="scenario")

    def get(self, path: str, *, who: str = OPERATOR) -> Answer:
        """GET from the console with that account's token."""
        return self._ask("GET", path, None, who)

    def send(self, method: str, path: str, body: object = None, *, who: str = OPERATOR) -> Answer:
        """Send JSON to the console with that account's token."""
        return self._ask(method, path, body, who)

    def _ask(self, method: str, path: str, body: object, who: str) -> Answer:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.tokens.get(who, '')}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return Answer(answer.status, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read())
        except OSError as error:
            return Answer(0, str(error).encode())

    def create_accounts(self) -> None:
        """One operator and one viewer, each with a token."""
        for name in (OPERATOR, VIEWER):
            self.manage("create_account", "--username", name, "--role", name, "--password-stdin", "--update", given=PASSWORD)
            printed = self.manage("create_token", "--username", name, "--name", f"scenario-{secrets.token_hex(4)}")
            self.tokens[name] = next(word for word in printed.split() if word.startswith("mst_"))

    def end(self) -> None:
        """End all processes."""
        for child in self._children.values():
            child.kill()


@contextlib.contextmanager
def running(name: str) -> Iterator[System]:
    """A system with its servers up, migrated, with accounts; everything is gone at the end."""
    folder = Folder(path=stack.ROOT / f"scenario-{name}-{os.getpid()}")
    folder.hold()
    servers = stack.Stack(folder=folder, durable=True, external={}, say=lambda text: None)
    try:
        system = System(servers, servers.start(), folder)
        system.manage("migrate", "--verbosity", "0")
        system.create_accounts()
        try:
            yield system
        finally:
            system.end()
    finally:
        servers.stop()
        folder.release()
        stack.remove(folder.path)


def wait_until(holds: Callable[[], bool], *, within_s: float, what: str, every_s: float = 0.2) -> None:
    """Wait until ``holds()``; fail with ``what`` after ``within_s`` seconds."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        time.sleep(every_s)
