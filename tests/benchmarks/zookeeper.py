"""What Burrow needs of ZooKeeper to start: a session, and somebody who says yes to the making of a folder.

It keeps locks for notifiers there, which a benchmark has none of. A stand-in of forty lines instead of a server.
"""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CREATE, EXISTS, CHILDREN, PING, CHILDREN_TOO, CLOSE = 1, 3, 8, 11, 12, -11
SEQUENCE = 2
NO_NODE = -101
SESSION_MS = 6_000
_STAT = bytes(68)


def _text(value: bytes) -> bytes:
    return struct.pack(">i", len(value)) + value


class _Session(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self._packet()
        self._answer(struct.pack(">iiq", 0, SESSION_MS, 1) + struct.pack(">i", 16) + bytes(16))
        locks: list[bytes] = []
        while packet := self._packet():
            xid, asked = struct.unpack_from(">ii", packet)
            body, error = b"", 0
            if asked == CREATE:
                path = packet[12 : 12 + struct.unpack_from(">i", packet, 8)[0]]
                if struct.unpack(">i", packet[-4:])[0] & SEQUENCE:
                    path += b"%010d" % len(locks)
                    locks.append(path.rpartition(b"/")[2])
                body = _text(path)
            elif asked == EXISTS:
                body = _STAT
            elif asked in (CHILDREN, CHILDREN_TOO):
                body = struct.pack(">i", len(locks)) + b"".join(map(_text, locks)) + _STAT
            elif asked not in (PING, CLOSE):
                error = NO_NODE
            self._answer(struct.pack(">iqi", xid, 1, error) + body)

    def _packet(self) -> bytes:
        head = self._read(4)
        return self._read(struct.unpack(">i", head)[0]) if head else b""

    def _read(self, count: int) -> bytes:
        read = b""
        while len(read) < count:
            part: bytes = self.request.recv(count - len(read))
            if not part:
                return b""
            read += part
        return read

    def _answer(self, packet: bytes) -> None:
        self.request.sendall(struct.pack(">i", len(packet)) + packet)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextmanager
def standing_in() -> Iterator[str]:
    """Answer on an address of this machine."""
    with _Server(("127.0.0.1", 0), _Session) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        host, port = server.server_address[:2]
        yield f"{host!s}:{port}"
        server.shutdown()
