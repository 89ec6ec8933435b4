"""The console's Celery application with the scenarios' definition: ``celery --app tests.scenarios.sagas.by_celery``.

``SCENARIO_LEDGER`` names the file that stands for the other system.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from celery import signals

from reliability.celery import app
from tests.scenarios.sagas import worker

__all__ = ["app"]


@signals.worker_init.connect
def _define(**ignored: Any) -> None:
    worker.define(worker.Elsewhere(Path(os.environ["SCENARIO_LEDGER"])))
