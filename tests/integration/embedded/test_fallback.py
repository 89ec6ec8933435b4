"""Kafka's jars are the locked ones or none; without them the in-process broker takes over, and says why."""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from confluent_kafka import Producer

from reliability.embedded import maven, stack
from reliability.embedded.refusal import Refusal

JAR = b"not really a jar"
PLACE = "org/example/thing/1.0/thing-1.0.jar"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Tests read no access log."""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    root = tmp_path / "repository"
    jar = root / PLACE
    jar.parent.mkdir(parents=True)
    jar.write_bytes(JAR)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(root)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("MAINSTAY_MAVEN_REPOSITORY", f"http://127.0.0.1:{server.server_port}")
    yield root
    server.shutdown()
    server.server_close()


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "some.lock"
    path.write_text(f"# title\norg.example:thing:1.0 {hashlib.sha256(JAR).hexdigest()}\n")
    return path


def test_a_jar_is_fetched_once_and_a_damaged_one_again(repository: Path, lock: Path, tmp_path: Path) -> None:
    said: list[str] = []
    fetch = functools.partial(maven.class_path, caches=[tmp_path / "cache"], say=said.append, lock=lock)
    [jar] = fetch()
    assert jar.read_bytes() == JAR
    assert fetch() == [jar]
    assert said == ["fetching Apache Kafka (1 of 1 jars)"]
    jar.write_bytes(b"damaged")
    assert fetch() == [jar]
    assert jar.read_bytes() == JAR
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["org"], "nothing half-fetched is left"


def test_a_jar_that_is_not_the_locked_one_is_refused(repository: Path, lock: Path, tmp_path: Path) -> None:
    (repository / PLACE).write_bytes(b"something else")
    with pytest.raises(Refusal, match=r"not the one in kafka\.lock"):
        maven.class_path(caches=[tmp_path / "cache"], say=print, lock=lock)
    assert not (tmp_path / "cache" / PLACE).exists()


def test_a_jar_in_a_second_cache_needs_no_repository(
    lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAINSTAY_MAVEN_REPOSITORY", "http://127.0.0.1:9")
    other = tmp_path / "other" / PLACE
    other.parent.mkdir(parents=True)
    other.write_bytes(JAR)
    assert maven.class_path(caches=[tmp_path / "cache", tmp_path / "other"], say=print, lock=lock) == [other]


def test_without_kafka_the_in_process_broker_is_used_and_the_reason_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/x")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    monkeypatch.delenv("KAFKA_BOOTSTRAP_SERVERS", raising=False)
    monkeypatch.setenv("MAINSTAY_MAVEN_REPOSITORY", "http://127.0.0.1:9")
    monkeypatch.setattr(maven, "caches", lambda fallback: [tmp_path / "empty"])
    said: list[str] = []
    with stack.running(tmp_path / "x", say=said.append) as addresses:
        assert addresses.broker == "in-process"
        assert "could not be fetched" in addresses.broker_reason
        assert any("in-process broker" in line for line in said)
        producer = Producer({"bootstrap.servers": addresses.kafka_bootstrap_servers})
        producer.produce("topic", b"value")
        assert producer.flush(10) == 0
