"""The folder that holds the data, the logs and the small facts of one set of embedded servers."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reliability.embedded.refusal import Refusal

PRIVATE = 0o600
# Others may pass (PostgreSQL under another account must), but not list.
PASSABLE = 0o711


class InUse(Refusal):
    """Another process holds this folder."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        """Name the folder and, when known, the process that holds it."""
        super().__init__(f"{folder} is in use by process {pid or 'unknown'}.")
        self.pid = pid


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
    with os.fdopen(descriptor, "w") as output:
        output.write(text)
    temporary.replace(path)


@dataclass(slots=True, kw_only=True)
class Folder:
    """One such folder; `hold` makes it this process's own until `release` or the end of the process."""

    path: Path
    _lock: int | None = field(default=None, init=False)

    @property
    def logs(self) -> Path:
        """Where the logs of all children are."""
        return self.path / "logs"

    def hold(self) -> None:
        """Create and lock the folder; raises `InUse` when another process has it, `Refusal` when it is not writable."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.path.chmod(PASSABLE)
            descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, PRIVATE)
        except OSError as error:
            raise Refusal(
                f"{self.path} cannot be written ({error.strerror}): the embedded servers keep their data there."
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode().strip()
            os.close(descriptor)
            raise InUse(self.path, int(holder) if holder.isdigit() else None) from None
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        self._lock = descriptor

    def release(self) -> None:
        """Let others have the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def kept(self) -> dict[str, object]:
        """What is kept between runs: ports, passwords, keys."""
        try:
            facts = json.loads((self.path / "kept.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return facts if isinstance(facts, dict) else {}

    def keep(self, **facts: object) -> None:
        """Add to what is kept between runs."""
        write_private(self.path / "kept.json", json.dumps({**self.kept(), **facts}, indent=1))

    def port(self, name: str) -> int | None:
        """The port this server had in the last run."""
        port = self.kept().get(f"{name}_port")
        return port if isinstance(port, int) else None

    def secret(self, name: str) -> str:
        """A random value with this name: made once, then the same in every run."""
        value = self.kept().get(name)
        if not isinstance(value, str):
            value = secrets.token_urlsafe(24)
            self.keep(**{name: value})
        return value


def clean_environment(*, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a server: this process's, less what its clients and libraries would read into it."""
    unwanted = ("PG", "KAFKA_", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH", "LC_", "LANG")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    return {**kept, "LC_ALL": "C", **(extra or {})}
