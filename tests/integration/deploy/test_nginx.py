"""The console behind nginx as `deploy/nginx` has it: pages, files, the socket, who asks, what is not told outside."""

from __future__ import annotations

import asyncio
import http.client
import http.server
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.support import nginx
from tests.support.nginx import NAME, Nginx
from tests.support.production import Container
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(300)
SESSION_ENDED = 4401


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the headers it got, or hangs up before any answer."""

    seen: list[str] = []

    def do_GET(self) -> None:
        body = json.dumps(dict(self.headers)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.seen.append(self.path)
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        return None


@pytest.fixture
def echo() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def ask(front: Nginx, method: str, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    """Ask nginx over TLS as a browser does that knows the console by its name."""
    connection = http.client.HTTPSConnection(NAME, front.tls, context=front.trust, timeout=20)
    connection.sock = front.trust.wrap_socket(
        socket.create_connection(("127.0.0.1", front.tls), timeout=20), server_hostname=NAME
    )
    connection.request(method, path, headers={"Host": NAME, **headers})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def test_the_console_is_told_who_asks_and_over_what(tmp_path: Path, echo: int) -> None:
    with nginx.running(tmp_path, upstream=echo) as front:
        _, body = ask(front, "GET", "/", **{"X-Forwarded-For": "203.0.113.7"})
        told = json.loads(body)
        assert told["Host"] == NAME
        assert told["X-Forwarded-For"] == "203.0.113.7, 127.0.0.1", "the last word is nginx's own"
        assert told["X-Forwarded-Proto"] == "https"
        plain = http.client.HTTPConnection("127.0.0.1", front.plain, timeout=20)
        plain.request("GET", "/letters/?q=a", headers={"Host": NAME})
        moved = plain.getresponse()
        assert (moved.status, moved.headers["Location"]) == (301, f"https://{NAME}/letters/?q=a")


def test_an_act_whose_answer_is_lost_is_not_sent_again(tmp_path: Path, echo: int) -> None:
    Echo.seen.clear()
    with nginx.running(tmp_path, upstream=echo) as front:
        answer, _ = ask(front, "POST", "/replays/")
    assert answer.status == 502
    assert Echo.seen == ["/replays/"]


def test_pages_files_and_the_live_socket_pass_and_metrics_do_not(
    tmp_path: Path, containers: dict[str, Container]
) -> None:
    assert containers["migrate"].run().returncode == 0
    web = containers["web"].behind(
        MAINSTAY_HTTPS="true", MAINSTAY_TRUSTED_PROXIES="1", MAINSTAY_ALLOWED_HOSTS=f"{NAME},127.0.0.1"
    )
    web.start()
    try:
        wait_until(web.is_healthy, within_s=60, what=lambda: web.log)
        with nginx.running(tmp_path, upstream=web.port) as front:
            page, body = ask(front, "GET", "/accounts/login/")
            assert page.status == 200
            assert "__Host-csrf" in page.headers["Set-Cookie"]
            assert "Strict-Transport-Security" in page.headers
            path = body.decode().split('"/static/')[1].partition('"')[0]
            file, content = ask(front, "GET", f"/static/{path}")
            assert (file.status, bool(content)) == (200, True)
            assert ask(front, "GET", "/metrics")[0].status == 404
            assert ask(front, "GET", "/", Host="elsewhere.example")[0].status in (400, 421)
            asyncio.run(_socket_is_open(front))
    finally:
        assert web.child is not None
        web.child.kill()


async def _socket_is_open(front: Nginx) -> None:
    """The console takes the socket and says with its own code that nobody is signed in.

    Asked in one thread: a client that writes while another thread reads, as the library's other one does, may lose its
    request within Python 3.11's TLS (nginx then waits a minute for it).
    """
    raw = socket.create_connection(("127.0.0.1", front.tls), timeout=20)
    raw.setblocking(False)
    async with connect(f"wss://{NAME}/live/", sock=raw, ssl=front.trust, origin=f"https://{NAME}") as live:  # type: ignore[arg-type]
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(live.recv(), timeout=20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == SESSION_ENDED
