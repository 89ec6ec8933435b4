"""Wake-ups: a hint to the workers that a saga is due. It may be lost; the sweep looks for what is due all the same."""

from __future__ import annotations

import structlog
from celery import current_app
from kombu.exceptions import OperationalError

from reliability.kernel.waker import Waker

log = structlog.get_logger(__name__)

TASK = "sagas.run"
EXPIRES_S = 5.0
EVERY_S = 0.1
PAUSE_S = 5.0


def _send() -> bool:
    try:
        current_app.send_task(TASK, retry=False, expires=EXPIRES_S)
    except (OperationalError, OSError) as error:
        log.warning("wake_up_lost", task=TASK, reason=str(error), effect="the sweep covers it")
        return False
    return True


wake = Waker("sagas-wake", _send, every_s=EVERY_S, pause_s=PAUSE_S)
