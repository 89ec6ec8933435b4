"""Ours: ``python -m tests.benchmarks.sagas.ours COUNT THREADS``; the database is DATABASE_URL's."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django
from django.core.management import call_command
from django.db import connections, transaction

from tests.benchmarks.sagas.measuring import STEPS, Marks, tell


def main(count: int, threads: int) -> None:
    """Start so many and go on with them until all are over."""
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    import sagas
    from sagas.models import Saga

    marks = Marks()

    def work(data: Mapping[str, Any], key: str) -> None:
        marks.mark(data["n"])

    definition = sagas.saga(
        "bench", steps=[sagas.step(f"s{number}", do=work, undo=work, unknown="repeat") for number in range(STEPS)]
    )

    def start(number: int) -> None:
        with transaction.atomic():
            sagas.start(definition, key=f"{time.time_ns()}-{number}", data={"n": number})

    def end_thread(_: int) -> None:
        time.sleep(0.05)
        connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(start, range(-threads * 8, 0)))  # connections and plans are warm
        sagas.run(slots=threads)
        began = time.perf_counter()
        list(pool.map(start, range(count)))
        list(pool.map(end_thread, range(threads)))
        sagas.run(slots=threads, stay_s=600)
    seconds = time.perf_counter() - began
    left = Saga.objects.exclude(status="completed").count()
    if left:
        raise SystemExit(f"{left} sagas are not completed")
    tell(count=count, seconds=seconds, marks=marks)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
