"""Absurd: a task of four steps, spawned and worked off by threads. Runs in the peers' environment."""

from __future__ import annotations

import os
import sys
import threading
import time

import absurdctl
import psycopg
from absurd_sdk import Absurd
from measuring import STEPS, Marks, tell

URL = os.environ["DATABASE_URL"]
marks = Marks()


def client() -> Absurd:
    """A connection of its own that knows the task."""
    app = Absurd(URL)

    @app.register_task(name="trade")
    def trade(params, ctx):
        for number in range(STEPS):
            ctx.step(f"s{number}", lambda: marks.mark(params["n"]))

    return app


def in_threads(threads: int, work) -> None:
    """Run ``work(number, client)`` in so many threads."""
    running = [threading.Thread(target=lambda number=number: work(number, client())) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def main(count: int, threads: int) -> None:
    """Spawn so many, then let the threads take one after the other until none is left."""
    with psycopg.connect(URL, autocommit=True) as connection:
        connection.execute(absurdctl.BUNDLED_SCHEMA_SQL)
    client().create_queue("default")

    def spawn(number: int, app: Absurd) -> None:
        for each in range(number, count, threads):
            app.spawn("trade", {"n": each})

    def work(number: int, app: Absurd) -> None:
        while len(marks) < count * STEPS:
            app.work_batch(worker_id=f"w{number}")

    began = time.perf_counter()
    in_threads(threads, spawn)
    in_threads(threads, work)
    tell(count=count, seconds=time.perf_counter() - began, marks=marks)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
