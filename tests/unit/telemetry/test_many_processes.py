"""Counts of several processes add up in the one that is scraped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

COUNT = (
    "from reliability.kernel.telemetry import metrics, names; metrics.inc(names.LETTERS_STORED, by=2, dialect='own')"
)
SHOW = "from reliability.kernel.telemetry import metrics; print(metrics.exposition(lambda: []).decode())"


def run(program: str, folder: Path) -> str:
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    return done.stdout


def test_counts_of_all_processes_are_summed(tmp_path: Path) -> None:
    run(COUNT, tmp_path)
    run(COUNT, tmp_path)
    assert 'mainstay_letters_stored_total{dialect="own"} 4.0' in run(SHOW, tmp_path)
