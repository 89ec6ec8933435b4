"""An HTTP server on loopback that answers as a test says."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = Callable[[dict[str, list[str]]], Any]


class Server:
    """What was asked, and how it answers: a function from the query to JSON, bytes, or (status, JSON)."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[dict[str, list[str]]] = []
        self.headers: list[dict[str, str]] = []
        self.at_once = 0
        self.most_at_once = 0
        self.drip_s = 0.0
        self.raw: list[bytes] = []
        """Instead of an answer: these bytes, ``drip_s`` apart."""
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.take(self)

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._httpd.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._httpd.server_address[1]}/payments"

    def take(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        query = parse_qs(urlsplit(request.path).query)
        with self._lock:
            self.asked.append(query)
            self.headers.append(dict(request.headers))
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.raw:
                for part in self.raw:
                    request.wfile.write(part)
                    request.wfile.flush()
                    time.sleep(self.drip_s)
                return
            found = self.answer(query)
            status, body = found if isinstance(found, tuple) else (200, found)
            self._send(request, status, body if isinstance(body, bytes) else json.dumps(body).encode())
        except (BrokenPipeError, ConnectionResetError):
            pass  # whoever asked has gone
        finally:
            with self._lock:
                self.at_once -= 1

    def _send(self, request: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        request.send_response(status)
        if status in (301, 302):
            request.send_header("Location", self.url)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if not self.drip_s:
            request.wfile.write(body)
            return
        for byte in body:
            request.wfile.write(bytes([byte]))
            request.wfile.flush()
            time.sleep(self.drip_s)

    def run(self) -> None:
        """Serve until the end."""
        self._httpd.serve_forever(poll_interval=0.02)

    def close(self) -> None:
        """End."""
        self._httpd.shutdown()
        self._httpd.server_close()


@contextmanager
def serving(answer: Answer) -> Iterator[Server]:
    """A server for one test."""
    server = Server(answer)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()
