"""Wake-ups: a hint to the workers that a saga is due, or that a batch goes on. They may be lost: a sweep looks, too."""

from __future__ import annotations

from functools import partial

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

from reliability.kernel.clock import CLOCKS_APART_S
from reliability.kernel.waker import Waker

log = structlog.get_logger(__name__)

TASK = "sagas.run"
BATCHES = "sagas.batches"
EVERY_S = 0.1
PAUSE_S = 5.0


def _send(task: str) -> bool:
    try:
        current_app.send_task(task, retry=False, expires=CLOCKS_APART_S)
    except (OperationalError, OSError) as error:
        log.warning("wake_up_lost", task=task, reason=str(error), effect="the sweep covers it")
        return False
    return True


wake = Waker("sagas-wake", partial(_send, TASK), every_s=EVERY_S, pause_s=PAUSE_S)
wake_for_batches = Waker("batches-wake", partial(_send, BATCHES), every_s=EVERY_S, pause_s=PAUSE_S)
