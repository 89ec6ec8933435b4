"""A port that ends TLS and passes what is inside on, for servers whose build knows no TLS."""

from __future__ import annotations

import asyncio
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from reliability.embedded import ports, waiting
from tests.support.certificates import Pair

_SSL_REQUEST, _GSS_REQUEST = struct.pack("!II", 8, 80877103), struct.pack("!II", 8, 80877104)


@dataclass(slots=True, kw_only=True)
class Proxy:
    """``subjects``: of each connection the client's certificate, "" where it showed none."""

    port: int = 0
    subjects: list[str] = field(default_factory=list)


@contextmanager
def behind_tls(port: int, pair: Pair, *, client_ca: Path | None = None, asks_first: bool = False) -> Iterator[Proxy]:
    """A loopback port that takes TLS for another one, and nothing else; with ``client_ca`` only with a certificate.

    ``asks_first``: as PostgreSQL does, TLS begins after it was asked for; whoever does not ask is let go.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    proxy, loop = Proxy(), asyncio.new_event_loop()

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ssl.SSLError, asyncio.IncompleteReadError):
            if asks_first and not await _is_asked(reader, writer, context):
                return
            certificate = writer.get_extra_info("peercert") or {}
            proxy.subjects.append(",".join(f"{name}={value}" for ((name, value),) in certificate.get("subject", ())))
            inner_reader, inner_writer = await asyncio.open_connection(ports.LOOPBACK, port)
            await asyncio.gather(_pumped(reader, inner_writer), _pumped(inner_reader, writer))

    async def serve() -> None:
        given = None if asks_first else context
        server = await asyncio.start_server(passed_on, ports.LOOPBACK, 0, ssl=given)
        proxy.port = server.sockets[0].getsockname()[1]

    def run() -> None:
        loop.set_exception_handler(lambda *_: None)  # a handshake that fails is what is tested
        loop.run_until_complete(serve())
        loop.run_forever()

    thread = threading.Thread(target=run, name="tls-proxy", daemon=True)
    thread.start()
    assert waiting.until(lambda: proxy.port > 0, timeout_s=10)
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=5)


async def _is_asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext) -> bool:
    request = await reader.readexactly(8)
    if request == _GSS_REQUEST:
        writer.write(b"N")
        request = await reader.readexactly(8)
    if request != _SSL_REQUEST:
        writer.close()
        return False
    writer.write(b"S")
    await writer.drain()
    await writer.start_tls(context)
    return True


async def _pumped(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError, ssl.SSLError):
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()
    target.close()
