"""The three embedded servers start, answer, keep what they should, and are gone at the end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis
from confluent_kafka import Consumer, Producer

from reliability.embedded import account, postgres, stack
from reliability.embedded.folder import Folder
from reliability.embedded.refusal import Refusal
from reliability.embedded.stack import Addresses, Stack
from tests.integration.embedded.test_children import alive, wait_for

TEN_MEGABYTES = 10 * 1024 * 1024


@pytest.fixture(autouse=True)
def no_named_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The addresses of the test run's own servers are in the environment; here embedded ones are the subject."""
    for name in stack.VARIABLES.values():
        monkeypatch.delenv(name, raising=False)


def round_trip(addresses: Addresses, *, topic: str, value: bytes) -> bytes | None:
    producer = Producer(
        {"bootstrap.servers": addresses.kafka_bootstrap_servers, "message.max.bytes": 2 * TEN_MEGABYTES}
    )
    producer.produce(topic, value)
    assert producer.flush(20) == 0
    settings = {"group.id": "reader", "auto.offset.reset": "earliest", "fetch.message.max.bytes": 2 * TEN_MEGABYTES}
    consumer = Consumer({"bootstrap.servers": addresses.kafka_bootstrap_servers, **settings})
    consumer.subscribe([topic])
    message = consumer.poll(20)
    consumer.close()
    return message.value() if message is not None else None


def test_all_three_answer_and_postgresql_and_kafka_keep_their_data(tmp_path: Path) -> None:
    said: list[str] = []
    with stack.running(tmp_path / "x", say=said.append) as addresses:
        assert addresses.broker == "kafka"
        with psycopg.connect(addresses.database_url) as connection:
            connection.execute("create table kept (word text)")
            connection.execute("insert into kept values ('still here')")
            assert connection.execute("show wal_level").fetchone() == ("logical",)
            assert connection.execute("show fsync").fetchone() == ("on",)
            assert connection.execute("show server_encoding").fetchone() == ("UTF8",)
        with redis.Redis.from_url(addresses.redis_url, socket_timeout=2) as client:
            assert client.ping()
        assert round_trip(addresses, topic="large", value=b"x" * TEN_MEGABYTES) == b"x" * TEN_MEGABYTES
    with stack.running(tmp_path / "x", durable=False) as again:
        assert again == addresses, "ports and passwords stay"
        with psycopg.connect(again.database_url) as connection:
            assert connection.execute("select word from kept").fetchone() == ("still here",)
            assert connection.execute("show fsync").fetchone() == ("off",)
    assert not any("password" in line or addresses.redis_url in line for line in said)
    stack.remove(tmp_path / "x")
    assert not postgres.outside_path(tmp_path / "x").exists()


def test_two_at_once_do_not_clash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/x")
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "elsewhere:9092")
    with stack.running(tmp_path / "x") as first, stack.running(tmp_path / "x") as second:
        assert first.redis_url != second.redis_url
        assert first.broker == "external"
        assert len(list(tmp_path.iterdir())) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["x"], "the second one's folder is removed"


def test_a_client_without_the_password_is_turned_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "elsewhere:9092")
    with stack.running(tmp_path / "x") as addresses:
        port = addresses.redis_url.rpartition(":")[2]
        with (
            redis.Redis.from_url(f"redis://127.0.0.1:{port}", socket_timeout=2) as client,
            pytest.raises(redis.AuthenticationError),
        ):
            client.ping()
        server = addresses.database_url.rpartition("@")[2]
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://mainstay:wrong@{server}")
    stack.remove(tmp_path / "x")


def test_a_killed_holder_leaves_no_server(tmp_path: Path) -> None:
    program = """
import sys, time
from pathlib import Path
from reliability.embedded.folder import Folder
from reliability.embedded.stack import Stack
folder = Folder(path=Path(sys.argv[1]))
folder.hold()
stack = Stack(folder=folder, durable=False)
stack.start()
print(*(child.pid for child in stack.children.values()), flush=True)
time.sleep(600)
"""
    holder = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "x")], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    pids = [int(word) for word in holder.stdout.readline().split()]
    assert len(pids) == 3
    assert all(map(alive, pids))
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert wait_for(lambda: not any(map(alive, pids)))
    with stack.running(tmp_path / "x", durable=False) as addresses:
        assert round_trip(addresses, topic="after", value=b"1") == b"1"
    stack.remove(tmp_path / "x")


def test_a_server_that_ends_while_starting_is_shown_and_nothing_is_left(tmp_path: Path) -> None:
    folder = Folder(path=tmp_path / "x")
    folder.hold()
    server = postgres.PostgresServer(folder, durable=False)
    server.prepare(print)
    (server.child().cwd or tmp_path).joinpath("data", "postgresql.conf").write_text("no_such_setting = 1\n")
    external = {"REDIS_URL": "redis://elsewhere", "KAFKA_BOOTSTRAP_SERVERS": "elsewhere:9092"}
    broken = Stack(folder=folder, durable=False, external=external)
    with pytest.raises(Refusal, match="no_such_setting"):
        broken.start()
    assert not any(child.running for child in broken.children.values())
    folder.release()
    stack.remove(tmp_path / "x")


def test_the_data_of_an_earlier_checkout_at_the_same_place_is_not_taken_over(tmp_path: Path) -> None:
    owner = account.Account(name="somebody", uid=12345, gid=12345)
    if account.without_root() is None:
        owner = account.Account(name="oneself", uid=tmp_path.stat().st_uid, gid=tmp_path.stat().st_gid)
    home = postgres.outside_home(Folder(path=tmp_path), owner)
    (home / "data").mkdir()
    assert (postgres.outside_home(Folder(path=tmp_path), owner) / "data").exists()
    (tmp_path / "kept.json").unlink()
    assert not (postgres.outside_home(Folder(path=tmp_path), owner) / "data").exists()
    stack.remove(tmp_path)


def test_programs_that_the_account_cannot_reach_are_copied_to_where_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        account, "can_reach", lambda account, path: "site-packages" not in str(path) and account is None
    )
    folder = Folder(path=tmp_path / "x")
    folder.hold()
    said: list[str] = []
    external = {"REDIS_URL": "redis://elsewhere", "KAFKA_BOOTSTRAP_SERVERS": "elsewhere:9092"}
    copied = Stack(folder=folder, durable=False, external=external, say=said.append)
    copied.start()
    program = copied.children["postgresql"].argv[0]
    copied.stop()
    assert "site-packages" not in program
    assert sum("copying PostgreSQL" in line for line in said) == 1
    copied.start()
    copied.stop()
    assert sum("copying PostgreSQL" in line for line in said) == 1, "a second start finds the copy"
    folder.release()
    stack.remove(folder.path)
