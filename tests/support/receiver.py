"""A web server on loopback that keeps what it is sent and answers as a test wants: well, badly, slowly, not at all."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HANG_S = 30.0


@dataclass
class Receiver:
    """What came in, oldest first, and what is answered: a status, or ``hang``, ``close``, ``drip``, ``garbage``."""

    port: int = 0
    answer: int | str = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.requests]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Serve on a free port of loopback until the end of the block."""
    receiver = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(receiver))
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one class, whose methods are told
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            receiver.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            if isinstance(receiver.answer, int):
                self._answer(receiver.answer)
            else:
                getattr(self, f"_{receiver.answer}")()

        do_GET = do_POST

        def _answer(self, status: int) -> None:
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(receiver.body)))
            self.end_headers()
            self.wfile.write(receiver.body)

        def _hang(self) -> None:
            receiver.stop.wait(HANG_S)
            self.close_connection = True

        def _close(self) -> None:
            self.close_connection = True

        def _drip(self) -> None:
            """A byte of the head now and then: each comes within any wait for the next."""
            for byte in b"HTTP/1.1 200 OK\r\nx-slow: " + b"y" * 1_000:
                if receiver.stop.wait(0.3):
                    return
                try:
                    self.wfile.write(bytes([byte]))
                except OSError:
                    return

        def _garbage(self) -> None:
            self.wfile.write(b"\x00\xff not http at all\r\n\r\n")
            self.close_connection = True

        def log_message(self, *args: object) -> None:
            return

    return Handler
