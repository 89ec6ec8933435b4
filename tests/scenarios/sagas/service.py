"""A service that starts sagas, and runs them: ``python -m tests.scenarios.sagas.service LEDGER [SLOTS]``.

SIGUSR1 has it start no more, and go on with those that there are. With 0 slots it leaves them to others.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path

import django

EVERY_S = 0.05
KINDS: tuple[dict[str, str], ...] = ({}, {"refuses": "book"}, {}, {"refuses": "charge"})


def main(ledger: str, slots: str = "2") -> None:
    """Run until told to stop."""
    django.setup()
    from django.db import DatabaseError, close_old_connections, transaction

    import sagas
    from reliability.kernel import process
    from sagas.engine.working import Worker
    from tests.scenarios.sagas import worker

    definition = worker.define(worker.Elsewhere(Path(ledger)))
    enough = threading.Event()
    signal.signal(signal.SIGUSR1, lambda number, frame: enough.set())

    def begin() -> None:
        number = 0
        while not enough.is_set():
            try:
                with transaction.atomic():
                    sagas.start(definition, key=f"t{number}", data=KINDS[number % len(KINDS)])
            except DatabaseError:
                close_old_connections()  # not started, or nobody knows: the same key is started again
            else:
                number += 1
            time.sleep(EVERY_S)

    with process.stop_on_signals() as stop:
        threading.Thread(target=begin, daemon=True).start()
        while not stop.is_set():
            try:
                Worker(slots=int(slots), stop=stop.is_set, stay_s=5.0).run()
            except DatabaseError:
                close_old_connections()
            stop.wait(0.2)


if __name__ == "__main__":
    main(*sys.argv[1:])
