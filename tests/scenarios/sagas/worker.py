"""A worker of sagas in a process of its own, with a ledger that outlives it.

Effects here are rows of ``test_sagas_ledger``; effects there, in another system, are lines of a file.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import connection

from reliability.kernel.errors import Permanent

SLOW_S = 2.0


class Elsewhere:
    """Another system that knows keys: what it does is a line in a file, flushed before it answers."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger

    def done(self) -> list[str]:
        """Every call, in order."""
        return self._ledger.read_text().splitlines() if self._ledger.exists() else []

    def call(self, data: Mapping[str, Any], key: str) -> None:
        """Do it."""
        if data.get("slow") and ":charge:do" in key:
            time.sleep(SLOW_S)
        if data.get("refuses") and f":{data['refuses']}:do" in key:
            raise Permanent("refused")
        known = set(self.done())
        if key in known or key.replace(":do", ":undo") in known:
            return  # done before, or undone before it came: as a service with a barrier answers
        file = os.open(self._ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, f"{key}\n".encode())
        os.fsync(file)
        os.close(file)

    def asked(self, data: Mapping[str, Any], key: str) -> bool:
        """Whether it was done."""
        return key in self.done()


def here(data: Mapping[str, Any], key: str) -> None:
    """An effect in the saga's own database."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO test_sagas_ledger VALUES (%s)", [key])


def define(elsewhere: Elsewhere) -> Any:
    """Reserve here; charge and book there; beyond the pivot notify here and ship there."""
    import sagas

    quick = sagas.retry(5, base=sagas.seconds(0.01), cap=sagas.seconds(0.05))
    call = elsewhere.call
    return sagas.saga(
        "trade",
        steps=[
            sagas.step("reserve", do=here, undo=here, local=True, retry=quick),
            sagas.step("charge", do=call, undo=call, unknown="repeat", retry=quick, undo_retry=quick),
            sagas.step(
                "book", do=call, undo=call, probe=elsewhere.asked, unknown="repeat", retry=quick, undo_retry=quick
            ),
            sagas.pivot(),
            sagas.step("note", do=here, local=True, retry=quick),
            sagas.step("ship", do=call, unknown="repeat", retry=sagas.forever(base=sagas.seconds(0.01))),
        ],
    )


def main(ledger: str, stay_s: str) -> None:
    """Work until nothing is due, or the time is up."""
    from sagas.engine.working import Worker

    define(Elsewhere(Path(ledger)))
    Worker(slots=2, stay_s=float(stay_s)).run()
