"""A connection and the question after the name have one time together."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest

from reliability.kafka import reaching, tls
from reliability.kernel import dialling

LONG_S = 30.0


@pytest.fixture
def silent_name_server(monkeypatch: pytest.MonkeyPatch):
    """No name is answered until the test is over."""
    over = threading.Event()

    def asked(*_: Any, **__: Any) -> Any:
        over.wait(LONG_S)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    yield
    over.set()


@pytest.fixture
def port():
    """Of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_server_is_reached_by_name(port: int) -> None:
    with dialling.connected("localhost", port, within_s=5.0) as made:
        assert made.getpeername()[1] == port
        assert made.gettimeout() == 5.0


def test_a_connection_nobody_takes_is_refused(port: int) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            dialling.connected("127.0.0.1", bound.getsockname()[1], within_s=5.0)


@pytest.mark.parametrize("host", ["-nowhere", "a" * 64, "a..b"])
def test_what_is_no_name_is_said(host: str) -> None:
    with pytest.raises((socket.gaierror, UnicodeError)) as told:
        dialling.connected(host, 9, within_s=5.0)
    assert reaching.why(told.value) == "its name is not known here"


def test_a_name_server_that_does_not_answer_takes_no_longer_than_the_time(silent_name_server: None) -> None:
    began = time.monotonic()
    with pytest.raises(dialling.SilentNameServer):
        dialling.connected("kafka", 9092, within_s=0.2)
    assert time.monotonic() - began < LONG_S / 2


def test_of_a_cluster_it_is_said_that_the_name_server_is_silent(silent_name_server: None) -> None:
    silent = "no name server said its address within 0.2 s"
    assert reaching.unreachable({"kafka:9092"}, within_s=0.2) == {"kafka:9092": silent}
    assert tls.why_not({"bootstrap.servers": "kafka:9092"}, within_s=0.2) == f"kafka:9092 cannot be reached: {silent}"


@pytest.fixture
def full_port():
    """Of a server whose queue is full: who dials it hears nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = []
        for _ in range(4):
            made = socket.socket()
            made.setblocking(False)
            made.connect_ex(server.getsockname())
            waiting.append(made)
        time.sleep(0.1)
        yield server.getsockname()[1]
        for made in waiting:
            made.close()


def test_a_dead_address_of_a_name_hides_no_good_one(port: int, full_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One address is of a family that this host does not have, one answers nobody."""
    family, stream = socket.AF_INET, socket.SOCK_STREAM
    dead = (family, stream, 0, "", ("127.0.0.1", full_port))
    found = [(99, stream, 0, "", ("::1", port)), dead, (family, stream, 0, "", ("127.0.0.1", port))]
    monkeypatch.setattr(dialling, "resolved", lambda *_, **__: found)
    with dialling.connected("kafka", port, within_s=1.0) as made:
        assert made.getpeername() == ("127.0.0.1", port)
    monkeypatch.setattr(dialling, "resolved", lambda *_, **__: [dead])
    with pytest.raises(TimeoutError):
        dialling.connected("kafka", port, within_s=0.3)


@pytest.mark.parametrize("port", [0, -1, 65_536, 10**20])
def test_what_is_no_port_is_said_at_once(port: int) -> None:
    with pytest.raises(ValueError, match="is no port"):
        dialling.connected("127.0.0.1", port, within_s=5.0)
