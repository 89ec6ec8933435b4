"""Starts the servers that no address names, together, and says where all three are."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from reliability.embedded import ports, waiting
from reliability.embedded.child import Child
from reliability.embedded.folder import Folder, InUse
from reliability.embedded.kafka import KafkaServer
from reliability.embedded.mock_broker import MockBroker
from reliability.embedded.postgres import PostgresServer
from reliability.embedded.redis import RedisServer
from reliability.embedded.refusal import Refusal
from reliability.embedded.server import Say, Server
from reliability.kernel import clock

ANSWER_WITHIN_S = 60.0
VARIABLES = {"postgresql": "DATABASE_URL", "redis": "REDIS_URL", "kafka": "KAFKA_BOOTSTRAP_SERVERS"}
# The checkout's own folder, git-ignored.
ROOT = Path(__file__).parents[2] / ".mainstay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the three servers are, and what kind of broker it is."""

    database_url: str
    redis_url: str
    kafka_bootstrap_servers: str
    broker: str  # kafka | in-process | external
    broker_reason: str = ""  # why it is not Apache Kafka

    def environment(self) -> dict[str, str]:
        """The variables that name these servers to a process."""
        return {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka_bootstrap_servers,
        }


def _quiet(text: str) -> None:
    """Nobody listens."""


def _no_checkpoint() -> None:
    """Nothing ends the start early."""


@dataclass(slots=True, kw_only=True)
class Stack:
    """The embedded servers of one folder. `start` and `stop` belong to one long-lived thread (see `Child`)."""

    folder: Folder
    durable: bool = True
    external: Mapping[str, str] = field(default_factory=dict)
    say: Say = _quiet
    checkpoint: Callable[[], None] = _no_checkpoint  # called while waiting; what it raises ends the start
    mark: Mapping[str, str] = field(default_factory=dict)  # goes into every server's environment
    children: dict[str, Child] = field(default_factory=dict, init=False)
    broker_reason: str = field(default="", init=False)
    _servers: dict[str, Server] = field(default_factory=dict, init=False)

    def start(self) -> Addresses:
        """Start what `external` does not name, each as soon as it is prepared, and wait until all answer.

        Raises `Refusal` when one cannot be had; then nothing is left running.
        """
        try:
            with ThreadPoolExecutor(len(VARIABLES), thread_name_prefix="prepare") as pool:
                work = {pool.submit(self._prepare, server): server for server in self._wanted()}
                self._start_prepared(work)
            self._wait_until_all_answer()
        except BaseException:
            self.stop()
            raise
        return self.addresses()

    def stop(self) -> None:
        """Stop every server, all at once, and wait for their end."""
        for child in self.children.values():
            child.ask_to_stop()
        for child in self.children.values():
            child.stop()

    def server(self, name: str) -> Server:
        """The server of that name, when it is an embedded one."""
        return self._servers[name]

    def addresses(self) -> Addresses:
        """Where everything is."""
        broker = (
            "external"
            if self.external.get("KAFKA_BOOTSTRAP_SERVERS")
            else ("in-process" if self.broker_reason else "kafka")
        )
        return Addresses(
            database_url=self._url("postgresql"),
            redis_url=self._url("redis"),
            kafka_bootstrap_servers=self._url("kafka"),
            broker=broker,
            broker_reason=self.broker_reason,
        )

    def _url(self, name: str) -> str:
        return self.external.get(VARIABLES[name]) or self._servers[name].url()

    def _wanted(self) -> list[Server]:
        wanted: list[Server] = []
        if not self.external.get("DATABASE_URL"):
            wanted.append(PostgresServer(self.folder, durable=self.durable))
        if not self.external.get("REDIS_URL"):
            wanted.append(RedisServer(self.folder, unpacked_under=ROOT))
        if not self.external.get("KAFKA_BOOTSTRAP_SERVERS"):
            wanted.append(KafkaServer(self.folder, jars_under=ROOT / "maven"))
        return wanted

    def _prepare(self, server: Server) -> Server:
        try:
            server.prepare(lambda text: self.say(f"{server.name}: {text}"))
        except Refusal as refusal:
            if not isinstance(server, KafkaServer):
                raise
            self.broker_reason = str(refusal)
            self.say(f"kafka: {refusal}")
            server = MockBroker(self.folder)
            server.prepare(lambda text: self.say(f"kafka: {text}"))
        return server

    def _start_prepared(self, work: Mapping[Future[Server], Server]) -> None:
        unfinished = set(work)
        while unfinished:
            for future in [each for each in unfinished if each.done()]:
                unfinished.discard(future)
                server = future.result()
                self._servers[server.name] = server
                child = server.child()
                child.env = {**(child.env or os.environ), **self.mark}
                self.children[server.name] = child
                child.start()
            self.checkpoint()
            clock.SYSTEM.sleep(waiting.STEP_S)

    def _wait_until_all_answer(self) -> None:
        began = clock.SYSTEM.monotonic()
        silent = dict(self._servers)
        while silent:
            for name, server in list(silent.items()):
                if server.answers():
                    self.say(f"{name}: answers at {self._shown(server)}")
                    del silent[name]
                elif not self.children[name].running:
                    raise Refusal(
                        f"{name} ended while starting; its last lines:\n" + "\n".join(self.children[name].tail())
                    )
            self.checkpoint()
            if silent and clock.SYSTEM.monotonic() - began > ANSWER_WITHIN_S:
                raise Refusal(
                    f"{', '.join(silent)} did not answer within {ANSWER_WITHIN_S:.0f} s; see {self.folder.logs}."
                )
            clock.SYSTEM.sleep(waiting.STEP_S)

    @staticmethod
    def _shown(server: Server) -> str:
        """The address without its password."""
        return server.url().rpartition("@")[2].partition("/")[0] or ports.LOOPBACK


@contextlib.contextmanager
def running(folder: Path, *, durable: bool = True, say: Say = _quiet) -> Iterator[Addresses]:
    """The servers that the environment does not name, for as long as the block runs; their data stays in `folder`.

    When another process has the folder, a fresh one beside it is taken and removed at the end.
    """
    held, temporary = _hold(folder)
    stack = Stack(folder=held, durable=durable, external=os.environ, say=say)
    try:
        yield stack.start()
    finally:
        stack.stop()
        held.release()
        if temporary:
            remove(held.path)


def _hold(path: Path) -> tuple[Folder, bool]:
    folder = Folder(path=path)
    try:
        folder.hold()
    except InUse:
        folder = Folder(path=path.with_name(f"{path.name}-{os.getpid()}"))
        folder.hold()
        return folder, True
    return folder, False


def remove(path: Path) -> None:
    """Remove an embedded folder with all its data, also what lies outside it."""
    from reliability.embedded import postgres

    shutil.rmtree(postgres.outside_path(path), ignore_errors=True)
    shutil.rmtree(path, ignore_errors=True)


def clean(root: Path) -> None:
    """Remove all embedded data of the checkout; raises `InUse` while something runs on it."""
    for path in (root, *root.glob("test*")):
        folder = Folder(path=path)
        if path.is_dir():
            folder.hold()
            folder.release()
    for path in (*root.glob("test*"), root):
        remove(path)
