"""The httpx transports against a real server on loopback."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from reliability.breakers.domain.machine import Outcome
from reliability.breakers.guard.errors import BreakerOpen
from reliability.breakers.transport import AsyncBreakerTransport, BreakerTransport
from tests.unit.breakers.fakes import Fleet


class Answering(BaseHTTPRequestHandler):
    """Answers with the status in the path: /503, /slow-200 after 0.5 s, /cut breaks off, /large in two parts."""

    protocol_version = "HTTP/1.1"
    may_go_on = threading.Event()

    def do_GET(self) -> None:
        word = self.path.strip("/")
        if word == "cut":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if word.startswith("slow-"):
            time.sleep(0.5)
            word = word.removeprefix("slow-")
        if word == "large":
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"1")
            self.wfile.flush()
            self.may_go_on.wait(5)
            self.wfile.write(b"2")
            return
        self.send_response(int(word))
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"body")

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def payments() -> Fleet:
    return Fleet()


def counted(fleet: Fleet) -> tuple[int, int]:
    found = fleet.breaker.guard.tally.taken()
    return found.calls, found.failed


def get(fleet: Fleet, url: str, **options: object) -> httpx.Response:
    with httpx.Client(transport=BreakerTransport(httpx.HTTPTransport(), fleet.breaker), timeout=0.2) as client:
        return client.get(url, **options)  # type: ignore[arg-type]


def get_async(fleet: Fleet, url: str) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = AsyncBreakerTransport(httpx.AsyncHTTPTransport(), fleet.breaker)
        async with httpx.AsyncClient(transport=transport, timeout=0.2) as client:
            return await client.get(url)

    return asyncio.run(asked())


BOTH = pytest.mark.parametrize("ask", [get, get_async])


@BOTH
@pytest.mark.parametrize(("status", "failed"), [(200, 0), (404, 0), (429, 1), (500, 1), (503, 1)])
def test_what_an_answer_says_is_counted_and_the_answer_passed_on(
    payments: Fleet, url: str, ask: object, status: int, failed: int
) -> None:
    response = ask(payments, f"{url}/{status}")  # type: ignore[operator]
    assert (response.status_code, response.content) == (status, b"body")
    assert counted(payments) == (1, failed)


@BOTH
@pytest.mark.parametrize("path", ["cut", "slow-200"])
def test_a_broken_connection_and_a_timeout_count_as_failures(payments: Fleet, url: str, ask: object, path: str) -> None:
    with pytest.raises(httpx.TransportError):
        ask(payments, f"{url}/{path}")  # type: ignore[operator]
    assert counted(payments) == (1, 1)


@BOTH
def test_nobody_who_listens_counts_as_a_failure(payments: Fleet, ask: object) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(httpx.ConnectError):
        ask(payments, f"http://127.0.0.1:{port}/")  # type: ignore[operator]
    assert counted(payments) == (1, 1)


@BOTH
def test_what_cannot_be_sent_says_nothing_of_the_other_side(payments: Fleet, ask: object) -> None:
    payments.half_open("p")
    with pytest.raises(httpx.UnsupportedProtocol):
        ask(payments, "ftp://127.0.0.1/")  # type: ignore[operator]
    assert counted(payments) == (0, 0)
    assert [outcome for _, outcome in payments.speaker.reports] == [None]


@BOTH
def test_an_open_one_sends_nothing(payments: Fleet, ask: object) -> None:
    payments.opened()
    with pytest.raises(BreakerOpen, match="5 of 5 calls failed"):
        ask(payments, "http://127.0.0.1:1/")  # type: ignore[operator]


@BOTH
@pytest.mark.parametrize(("path", "outcome"), [("200", Outcome.OK), ("500", Outcome.ERROR)])
def test_a_request_may_be_the_probe(payments: Fleet, url: str, ask: object, path: str, outcome: Outcome) -> None:
    payments.half_open("p")
    ask(payments, f"{url}/{path}")  # type: ignore[operator]
    assert [each for _, each in payments.speaker.reports] == [outcome]


def test_the_body_is_left_to_the_caller(payments: Fleet, url: str) -> None:
    Answering.may_go_on.clear()
    transport = BreakerTransport(httpx.HTTPTransport(), payments.breaker)
    with httpx.Client(transport=transport, timeout=5.0) as client, client.stream("GET", f"{url}/large") as response:
        assert counted(payments) == (1, 0), "counted with its head"
        assert not response.is_stream_consumed
        Answering.may_go_on.set()
        assert response.read() == b"12"


def test_who_lays_it_says_what_a_failure_is(payments: Fleet, url: str) -> None:
    def failed(response: httpx.Response) -> bool:
        return response.status_code == 404

    transport = BreakerTransport(httpx.HTTPTransport(), payments.breaker, failed=failed)
    with httpx.Client(transport=transport) as client:
        client.get(f"{url}/404")
        client.get(f"{url}/503")
    assert counted(payments) == (2, 1)


def test_a_judgement_that_fails_counts_as_a_failure_and_is_told(payments: Fleet, url: str) -> None:
    def failed(response: httpx.Response) -> bool:
        raise KeyError("no such header")

    transport = BreakerTransport(httpx.HTTPTransport(), payments.breaker, failed=failed)
    with httpx.Client(transport=transport) as client, pytest.raises(KeyError):
        client.get(f"{url}/200")
    assert counted(payments) == (1, 1)


def test_a_task_that_is_called_off_says_nothing(payments: Fleet, url: str) -> None:
    payments.half_open("p")

    async def called_off() -> None:
        transport = AsyncBreakerTransport(httpx.AsyncHTTPTransport(), payments.breaker)
        async with httpx.AsyncClient(transport=transport) as client:
            asked = asyncio.ensure_future(client.get(f"{url}/slow-200"))
            await asyncio.sleep(0.1)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked

    asyncio.run(called_off())
    assert [outcome for _, outcome in payments.speaker.reports] == [None]
