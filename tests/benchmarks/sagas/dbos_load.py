"""DBOS: a workflow of four steps, called from threads. Runs in the peers' environment."""

from __future__ import annotations

import logging
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from dbos import DBOS
from measuring import STEPS, Marks, tell

marks = Marks()


@DBOS.step()
def work(number: int) -> None:
    """Nothing, noted."""
    marks.mark(number)


@DBOS.workflow()
def trade(number: int) -> None:
    """Four steps."""
    for _ in range(STEPS):
        work(number)


def main(count: int, threads: int) -> None:
    """Call it so often."""
    DBOS(config={"name": "bench", "system_database_url": os.environ["DATABASE_URL"], "run_admin_server": False})
    logging.getLogger("dbos").setLevel(logging.ERROR)
    DBOS.launch()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(trade, range(-threads * 8, 0)))
        began = time.perf_counter()
        list(pool.map(trade, range(count)))
        seconds = time.perf_counter() - began
    DBOS.destroy()
    tell(count=count, seconds=seconds, marks=marks)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
