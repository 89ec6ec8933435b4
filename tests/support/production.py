"""A folder as the image has it, made by the image's own recipe, and its containers' commands run there.

Of the Dockerfile's build stage each COPY is done from this checkout and each RUN is run, with the locked production set
and nothing else. What a container has besides is set up for each process: secrets as files, a ``/tmp`` of its own, and
where the machine can do that a root file system that is read-only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from reliability.embedded import ports
from reliability.embedded.child import Child
from reliability.embedded.commands import Commands
from reliability.embedded.packages import Packages
from tests.support import deployed
from tests.support.deployed import ROOT, Instruction

SECRETS, TMP, APP, PORT = "/run/secrets", "/tmp", "/app", "8000"  # as the files in deploy/ name them
NOT_SENT = shutil.ignore_patterns("__pycache__", "*.py[cod]", "vendor")  # .dockerignore; a unit test compares
_KEPT = ("LANG", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "LD_LIBRARY_PATH")
MIGRATES_WITHIN_S = 90.0


def build(app: Path) -> None:
    """Do in ``app`` what the Dockerfile's build stage does in its folder; raises when a step fails."""
    for step in deployed.stages()["build"]:
        if step.word == "COPY":
            _copy(step, app)
        elif step.word == "RUN" and step.rest.startswith("uv sync"):
            _sync(step, app)
        elif step.word == "RUN" and not step.rest.startswith("pip install"):
            done = subprocess.run(["sh", "-ec", step.rest], cwd=app, env=_clean(), capture_output=True, text=True)
            assert done.returncode == 0, f"{step.rest}\n{done.stdout}{done.stderr}"


def _copy(step: Instruction, app: Path) -> None:
    *sources, target = (word for word in step.listed if not word.startswith("--from="))
    for source in sources:
        if "--from=browser" in step.listed:
            (app / target).symlink_to(ROOT / "node_modules")  # from the same lock file, by the set-up
            continue
        place = app / target / (Path(source).name if target.endswith("/") else "")
        place.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place, ignore=NOT_SENT)
        else:
            shutil.copy2(ROOT / source, place)


def _sync(step: Instruction, app: Path) -> None:
    options = tuple(word for word in step.listed[2:] if word != "--frozen")
    env = {**os.environ, "UV_COMPILE_BYTECODE": "1"}
    env.pop("VIRTUAL_ENV", None)
    commands = Commands(folder=app, env=env, say=lambda text: None)
    Packages(checkout=app, own=ROOT / ".mainstay", commands=commands, options=options).install()


_CLOSED = 'mount --bind "$1" "$1" && mount -o remount,bind,ro / && shift && exec "$@"'
"""A shell's words: nothing can be written but in the first folder, then the rest is run in its place."""


@cache
def can_close() -> bool:
    """Whether this machine lets a process have a root file system of its own that is read-only."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["unshare", "-rm", "sh", "-c", _CLOSED, "sh", folder, "touch", f"{folder}/a"]
        return bool(shutil.which("unshare")) and subprocess.run(words, capture_output=True).returncode == 0


def _closed(words: list[str], *, writable: Path) -> list[str]:
    """The words of a process that finds its root file system read-only, where the machine can do that."""
    return ["unshare", "-rm", "sh", "-c", _CLOSED, "sh", str(writable), *words] if can_close() else words


def _clean() -> dict[str, str]:
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", **{name: os.environ[name] for name in _KEPT if name in os.environ}}


@dataclass(slots=True)
class Container:
    """One service of the compose file, run in the built folder instead of an engine."""

    service: str
    described: Mapping[str, Any]
    app: Path
    around: Path
    """A folder for its secrets, its ``/tmp`` and its log."""
    outside: Mapping[str, str]
    """Settings that must differ from the file: where the test's servers are."""
    port: int
    child: Child | None = field(default=None, init=False)

    def _inside(self, word: str) -> str:
        """Where a path or port of the file is here."""
        if word == PORT:
            return str(self.port)
        word = word.replace("0.0.0.0", "127.0.0.1")
        for there, here in ((SECRETS, self.around / "secrets"), (TMP, self.around / self.service), (APP, self.app)):
            if word == there or word.startswith(f"{there}/"):
                return str(here) + word[len(there) :]
        return word

    @property
    def env(self) -> dict[str, str]:
        """The image's variables and the service's, as they are here."""
        given = {**deployed.variables(deployed.stages()[""]), **self.described["environment"]}
        env = {name: self._inside(_text(value)) for name, value in given.items()}
        path = given["PATH"].replace(APP, str(self.app)).replace("$PATH", _clean()["PATH"])
        return {**_clean(), **env, "PATH": path, **self.outside}

    def argv(self, words: list[str]) -> list[str]:
        """A command of the file, with its program found as the container finds it."""
        first = self._inside(words[0])
        return [shutil.which(first, path=self.env["PATH"]) or first, *(self._inside(word) for word in words[1:])]

    def _tmp(self) -> Path:
        found = self.around / self.service
        found.mkdir(exist_ok=True)
        return found

    def start(self) -> None:
        """Start its command."""
        log = self.around / f"{self.service}.log"
        argv = _closed(self.argv(self.described["command"]), writable=self._tmp())
        self.child = Child(name=self.service, argv=argv, log=log, env=self.env, cwd=self.app)
        self.child.start()

    def behind(self, **more: str) -> Container:
        """The same service with other settings, on a port of its own."""
        name = f"{self.service}-behind"
        return Container(name, self.described, self.app, self.around, {**self.outside, **more}, ports.any_free())

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it to the end: ``docker exec``, or the service's own where none is given."""
        argv = _closed(self.argv(list(words or self.described["command"])), writable=self._tmp())
        return subprocess.run(
            argv, env=self.env, cwd=self.app, capture_output=True, text=True, timeout=MIGRATES_WITHIN_S
        )

    def is_healthy(self) -> bool:
        """What its health check says."""
        kind, *words = self.described["healthcheck"]["test"]
        assert kind == "CMD", kind
        return self.run(*words).returncode == 0

    @property
    def log(self) -> str:
        """The end of what it said."""
        return "\n".join(self.child.tail(lines=30)) if self.child else ""


def _text(value: object) -> str:
    if value is None:  # a variable whose default is empty: defaults are put in before the file is parsed
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below, with size and time of change: two of them differ when anything was written."""
    found = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        found[str(path.relative_to(folder))] = (status.st_size, status.st_mtime_ns)
    return found


def make_secrets(folder: Path) -> None:
    """As an operator does before the first start."""
    script = deployed.COMPOSE.with_name("make-secrets")
    subprocess.run(["sh", str(script), str(folder)], check=True, capture_output=True)
