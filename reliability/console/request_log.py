"""What Django's own log of requests says in ours: a request that had no database is no error of the console's."""

from __future__ import annotations

import logging
import traceback
from http import HTTPStatus

import structlog

from reliability.console import middleware, outage

log = structlog.get_logger(__name__)
LOGGER = "django.request"


class WithoutDatabase(logging.Filter):
    """Replaces Django's "Internal Server Error" and its traceback: who asked was answered with 503 and a sentence."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Pass everything else; an answer of 503 that we gave ourselves as a warning."""
        if getattr(record, "status_code", 0) == HTTPStatus.SERVICE_UNAVAILABLE and not record.exc_info:
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        request = getattr(record, "request", None)
        path, method = getattr(request, "path", ""), getattr(request, "method", "")
        if error is None or not outage.no_connection(error):
            return True
        if path.startswith(middleware.WITHOUT_DATABASE) or method not in middleware.SAFE:
            return True  # nobody answers the one with a sentence; how far the other came is in the traceback alone
        log.warning("request_without_database", method=method, path=path, error=str(error), where=_where(error))
        return False


def _where(error: BaseException) -> str:
    """Return the innermost line that an error came through, as ``file:line``."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def quiet() -> None:
    """Let requests without a database be told so; safe to call again."""
    logger = logging.getLogger(LOGGER)
    if not any(isinstance(each, WithoutDatabase) for each in logger.filters):
        logger.addFilter(WithoutDatabase())
