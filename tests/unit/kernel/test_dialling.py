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
    assert reaching.unreachable({"kafka:9092"}, within_s=0.2) == {"kafka:9092": "the name server does not answer"}
    said = tls.why_not({"bootstrap.servers": "kafka:9092"}, within_s=0.2)
    assert said == "kafka:9092 cannot be reached: the name server does not answer"
