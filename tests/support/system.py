"""A whole Mainstay of its own for scenarios: servers and processes that a test may kill, stop, start and ask.

``with running(name) as system`` starts PostgreSQL, Redis and Kafka in a folder of their own and migrates; the test
starts the processes it needs by name. Nothing is shared with the servers of other tests: an outage harms nobody else.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from reliability.embedded import ports, processes, stack
from reliability.embedded.child import Child
from reliability.embedded.folder import Folder
from reliability.kafka.confluent import Admin, Producer
from tests.support.broker import Broker
from tests.support.console import Answer, Api, Person
from tests.support.forked import Forked, Interpreter
from tests.support.waiting import wait_until

__all__ = ["CONSOLE", "OPERATOR", "PASSWORD", "SECOND", "SERVERS", "VIEWER", "System", "running", "wait_until"]

ROOT = Path(__file__).parents[2]
OPERATOR, SECOND, VIEWER = "operator", "second", "viewer"
ACCOUNTS = {OPERATOR: "operator", SECOND: "operator", VIEWER: "viewer"}
PASSWORD = "a long password for tests"
SERVERS = ("postgresql", "redis", "kafka")
CONSOLE = ("web", "worker-relay", "worker-standard", "worker-bulk", "beat", "letters")
"""Every process of the console, as in the demo without its workload."""
LINE_CHARS_MAX = 600
_OUTSIDE = ("MAINSTAY_", "DJANGO_", "OTEL_", "KAFKA_", "CELERY_")


class System:
    """Servers, processes and the console's API of one scenario."""

    def __init__(self, servers: stack.Stack, addresses: stack.Addresses, folder: Folder) -> None:
        self._servers, self.folder, self.addresses = servers, folder, addresses
        self.broker = Broker(addresses.kafka_bootstrap_servers)
        self.port = ports.any_free()
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(_OUTSIDE)},
            **addresses.environment(),
            "DJANGO_SETTINGS_MODULE": "tests.support.system_settings",
            "MAINSTAY_SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests",
            "MAINSTAY_BROKER": addresses.broker,
        }
        self._interpreter = Interpreter(self.env)
        self._children: dict[str, Child] = {}
        self._wanted: set[str] = set()
        self.tokens: dict[str, str] = {}

    @property
    def url(self) -> str:
        """The console's address."""
        return f"http://{ports.LOOPBACK}:{self.port}"

    # --- processes

    def manage(self, *words: str, check: bool = True, given: str | None = None, timeout_s: float = 90) -> str:
        """Run a management command; return what it printed, raise with its errors when it fails and ``check``."""
        return self.python("manage.py", *words, check=check, given=given, timeout_s=timeout_s)

    def python(self, *words: str, check: bool = True, given: str | None = None, timeout_s: float = 90) -> str:
        """Run Python on this system to its end; as ``manage``."""
        code, told, complained = self._interpreter.run(*words, given=given, timeout_s=timeout_s)
        if check and code:
            raise AssertionError(f"{' '.join(words)}: exit {code}\n{told}\n{complained}")
        return told

    def start(self, *names: str, **environment: str) -> None:
        """Start processes by their names in the demo (``web``, ``worker-relay``, ``letters``, ...).

        ``web`` is waited for. Failpoints go by environment. A process that runs already is an error: two would run.
        """
        env = {**self.env, **environment}
        table = {child.name: child for child in processes.behind(self.folder, env=env)}
        table[processes.WEB] = processes.web(self.folder, port=self.port, env=env)
        for name in names:
            self.run(table[name])
        if processes.WEB in names:
            self.wait_for_console()

    def run(self, child: Child) -> None:
        """Start any process under this system's care."""
        assert not self.running(child.name), f"{child.name} runs already"
        self._children[child.name] = forked = Forked.of(child, self._interpreter)
        self._wanted.add(child.name)
        forked.start()

    def service(self, name: str, *words: str) -> Child:
        """A Python process of a scenario's own, with this system's environment; ``run`` starts it."""
        argv = [sys.executable, *words]
        return Child(name=name, argv=argv, log=self.folder.logs / f"{name}.log", env=self.env, cwd=ROOT)

    def need(self, *names: str) -> None:
        """Have these processes of the console at work, and leave the others alone."""
        missing = [name for name in names if not self.running(name)]
        self.start(*missing)
        self.wait_for_heartbeat(*missing)

    def wait_for_heartbeat(self, *names: str, within_s: float = 90) -> None:
        """Wait until processes that were started have said in the database that they are at work."""
        query = "SELECT count(*) FROM reliability_live_heartbeat WHERE name = %s AND pid = %s"
        for name in names:
            wait_until(
                lambda name=name: name == processes.WEB or self.one(query, name, self.pid(name)),  # type: ignore[misc]
                within_s=within_s,
                what=lambda name=name: f"{name} is at work\n{self.log(name)}",  # type: ignore[misc]
            )

    def wait_for_console(self, *, within_s: float = 60) -> None:
        """Wait until the console answers."""
        wait_until(lambda: self.get("/health/live").status == 200, within_s=within_s, what="the console answers")

    def kill(self, *names: str) -> None:
        """``kill -9`` processes with all they started."""
        for name in names:
            self._wanted.discard(name)
            self._children[name].kill()

    def pause(self, name: str) -> None:
        """SIGSTOP a process or server: alive, but it does nothing."""
        os.kill(self._child(name).pid or 0, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """SIGCONT a process or server."""
        os.kill(self._child(name).pid or 0, signal.SIGCONT)

    def stop(self, *names: str) -> None:
        """Stop processes in order (SIGTERM), at most ten seconds each."""
        for name in names:
            self._wanted.discard(name)
            self._children[name].ask_to_stop()
        for name in names:
            self._children[name].stop()

    def running(self, name: str) -> bool:
        """Whether a process lives."""
        return name in self._children and self._children[name].running

    def pid(self, name: str) -> int:
        """The id of a process or server, for signals."""
        return self._child(name).pid or 0

    def ended(self) -> dict[str, str]:
        """Processes that ended without being asked to, with the end of their logs."""
        return {name: self.log(name) for name in sorted(self._wanted) if not self.running(name)}

    def log(self, name: str) -> str:
        """The last lines of a process' or server's log, each shortened."""
        return "\n".join(line[:LINE_CHARS_MAX] for line in self._child(name).tail(lines=15))

    def _child(self, name: str) -> Child:
        return self._children.get(name) or self._servers.children[name]

    # --- servers

    def stop_server(self, *names: str) -> None:
        """Stop ``postgresql``, ``redis`` or ``kafka`` in order."""
        for name in names:
            self._servers.children[name].stop()

    def kill_server(self, name: str) -> None:
        """``kill -9`` a server."""
        self._servers.children[name].kill()

    def start_server(self, *names: str) -> None:
        """Start stopped servers again at their addresses and wait until they answer."""
        for name in names:
            wait_until(
                lambda name=name: self._is_up(name),  # type: ignore[misc]
                within_s=60,
                what=lambda name=name: f"{name} answers again\n{self.log(name)}",  # type: ignore[misc]
            )

    def _is_up(self, name: str) -> bool:
        """Whether it answers; started again when it gave up, as PostgreSQL does while parts of a killed one live."""
        if not self._servers.children[name].running:
            self._servers.children[name].start()
        return self._servers.server(name).answers()

    def server_pid(self, name: str) -> int:
        """The process id of a server, for signals."""
        return self._servers.children[name].pid or 0

    def repair(self) -> None:
        """After a scenario that failed in the middle: every server runs, and every process that should."""
        self.start_server(*(name for name in SERVERS if not self._servers.children[name].running))
        for name in [*self._children, *SERVERS]:
            with contextlib.suppress(ProcessLookupError):
                self.resume(name)
        known = {*CONSOLE, "demo"}
        self._wanted &= known
        for name, child in self._children.items():
            if name not in known:
                child.kill()
        self.need(*sorted(self._wanted))

    # --- truth

    def database(self) -> psycopg.Connection[Any]:
        """A connection of its own to the system's database, autocommit; close it, or use it as a context."""
        return psycopg.connect(self.addresses.database_url, autocommit=True, connect_timeout=2)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a query on the system's database; ``%s`` stand for the values."""
        with self.database() as connection:
            found = connection.execute(query.encode(), values)
            return found.fetchall() if found.description else []

    def one(self, query: str, *values: object) -> Any:
        """The first column of the first row."""
        return self.rows(query, *values)[0][0]

    def producer(self) -> Producer:
        """A producer on the system's broker; the caller closes it."""
        return self.broker.producer()

    def admin(self) -> Admin:
        """An admin of the system's broker."""
        return self.broker.admin()

    # --- people

    def get(self, path: str, *, who: str = OPERATOR) -> Answer:
        """GET from the console with that account's token."""
        return self.api(who).send("GET", path)

    def send(self, method: str, path: str, body: object = None, *, who: str = OPERATOR) -> Answer:
        """Send JSON to the console with that account's token."""
        return self.api(who).send(method, path, body)

    def api(self, who: str = OPERATOR) -> Api:
        """The API as that account."""
        return Api(self.url, self.tokens.get(who, ""))

    def person(self, who: str = OPERATOR) -> Person:
        """That account, signed in with a browser."""
        return Person(self.url, username=who, password=PASSWORD)

    def prepare(self) -> None:
        """Make tables and accounts, each with a token."""
        given = json.dumps({"accounts": ACCOUNTS, "password": PASSWORD})
        self.tokens = json.loads(self.python("-m", "tests.support.prepared", given=given))

    def end(self) -> None:
        """End all processes."""
        self.broker.close()
        for child in self._children.values():
            child.kill()
        self._interpreter.close()


@contextlib.contextmanager
def running(name: str) -> Iterator[System]:
    """A system with its servers up, migrated, with accounts; everything is gone at the end."""
    folder = Folder(path=stack.ROOT / f"scenario-{name}-{os.getpid()}")
    folder.hold()
    servers = stack.Stack(folder=folder, durable=True, external={}, say=lambda text: None)
    try:
        system = System(servers, servers.start(), folder)
        try:
            system.prepare()
            yield system
        finally:
            system.end()
    finally:
        servers.stop()
        folder.release()
        stack.remove(folder.path)
