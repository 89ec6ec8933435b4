"""Writing down through a database that goes away: an answer that was had is not thrown away for a restart."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

import structlog
from django.db import InterfaceError, OperationalError, connection

from reliability.kernel import backoff, clock

log = structlog.get_logger(__name__)

PATIENCE_S: Final = 60.0
"""After this the answer is given up: the try counts as one without an answer, and is asked about or repeated."""


def surely(write: Callable[[], bool], is_written: Callable[[], bool], *, time: clock.Clock = clock.SYSTEM) -> bool:
    """Return what ``write`` returns, trying again while the database is away; raises its error after that.

    A connection that is lost may have been lost after the commit: ``is_written`` tells, before another try.
    """
    until_s = time.monotonic() + PATIENCE_S
    failures = 0
    while True:
        try:
            return (failures > 0 and is_written()) or write()
        except (OperationalError, InterfaceError) as error:
            connection.close()
            failures += 1
            if time.monotonic() >= until_s:
                raise
            log.warning("saga_not_written", failures=failures, error=str(error))
            time.sleep(backoff.delay_s(attempt=failures, base_s=0.2, cap_s=5.0, random=random.random))
