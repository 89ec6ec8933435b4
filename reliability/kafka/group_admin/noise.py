"""kafka-python's log lines in our log, throttled: a broker that is away makes several with each question."""

from __future__ import annotations

import logging

from reliability.kafka.confluent.noise import Throttled

_LIBRARY = "kafka"


class _ToOurs(logging.Handler):
    """Passes one line per place of the library each 30 s and counts the rest."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._throttled = Throttled("group-admin")

    def emit(self, record: logging.LogRecord) -> None:
        self._throttled.log(record.levelno, "%s: %s", record.name, record.getMessage())


def tame() -> None:
    """Take the library's errors through the throttle and nothing else of it. A second call does nothing."""
    logger = logging.getLogger(_LIBRARY)
    if not any(isinstance(handler, _ToOurs) for handler in logger.handlers):
        logger.addHandler(_ToOurs())
        logger.setLevel(logging.ERROR)
        logger.propagate = False
