"""Python for a scenario's system without an interpreter's start each time; see ``tests/support/nursery.py``."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reliability.embedded.child import Child
from tests.support.nursery import Nursery

FAILPOINT = "MAINSTAY_FAILPOINT"
IMPORTS = [
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.thread",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.main",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
    "reliability.celery",
    "reliability.asgi",
    "reliability.urls",
    "dlq.management.commands.consume_dead_letters",
]
"""What the processes of a console and their commands have in common. None of it opens a connection."""


class Interpreter:
    """Runs Python with one environment, in processes that are forked where that makes no difference."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = dict(env)
        self._nursery = Nursery(env=env, imports=IMPORTS)

    def run(self, *words: str, given: str | None, timeout_s: float) -> tuple[int, str, str]:
        """Do what ``python WORDS`` does to its end; return the exit code and what it said and complained of."""
        with tempfile.TemporaryDirectory() as folder:
            into, told, log = (Path(folder) / name for name in ("in", "out", "err"))
            into.write_text(given or "")
            child = self._nursery.run(words, env={}, log=log, given=str(into), told=str(told))
            try:
                code = child.wait(timeout_s)
            finally:
                child.kill()
            return code, told.read_text(), log.read_text()

    def takes(self, child: Child) -> bool:
        """Whether this child would be the same here: Python, with this environment but for a failpoint."""
        env = {name: value for name, value in (child.env or {}).items() if name != FAILPOINT}
        return env == self._env

    def start(self, words: Sequence[str], *, env: Mapping[str, str], log: Path) -> Any:
        """Fork one that goes on; return it with the face of ``subprocess.Popen``."""
        return self._nursery.run(words, env={FAILPOINT: env.get(FAILPOINT, "")}, log=log)

    def close(self) -> None:
        """End it with all that it has started."""
        self._nursery.close()


@dataclass(slots=True, kw_only=True)
class Forked(Child):
    """A child of a system that is forked instead of started."""

    interpreter: Interpreter = field(repr=False)

    @classmethod
    def of(cls, child: Child, interpreter: Interpreter) -> Child:
        """Return the child, forked when it can be."""
        if not interpreter.takes(child):
            return child
        return cls(
            name=child.name, argv=child.argv, log=child.log, env=child.env, cwd=child.cwd, interpreter=interpreter
        )

    def start(self) -> None:
        """Fork it; its output is appended to the log file."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._asked = False
        self._process = self.interpreter.start(self.argv[1:], env=self.env or {}, log=self.log)
