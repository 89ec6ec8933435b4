"""One line of JSON per event on standard error, with trace, request and actor; plain text on a terminal.

Standard output belongs to what a command prints for the next program (``--json``).
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import orjson
import structlog
from structlog.typing import Processor

from reliability.kernel.telemetry import tracing

# Libraries that tell every request, every socket, every tick or every poll at INFO.
_QUIET = {
    "uvicorn.access": logging.WARNING,
    "uvicorn.error": logging.WARNING,
    "celery.beat": logging.WARNING,
    "celery.worker.strategy": logging.WARNING,
    "celery.app.trace": logging.WARNING,
    "httpx": logging.WARNING,
    "django.request": logging.ERROR,
}


def configure(*, level: str = "INFO", colours: bool | None = None) -> None:
    """Send every log, ours and the libraries', through one formatter; safe to call again.

    ``level`` is a name of the logging module. ``colours`` chooses the reader: None looks whether standard error is a
    terminal.
    """
    for_people = sys.stderr.isatty() if colours is None else colours
    shared = _shared_processors()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=_last_processors(for_people=for_people)
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.captureWarnings(True)
    for name, quieter in _QUIET.items():
        logging.getLogger(name).setLevel(quieter)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


@contextmanager
def errors_only() -> Iterator[None]:
    """Keep lines below an error away for a while: somebody reads what a command prints, and it says itself what is
    wrong. Not while debugging."""
    before = logging.root.manager.disable
    if logging.root.level > logging.DEBUG:
        logging.disable(logging.WARNING)  # not by the root's level: libraries give their loggers levels of their own
    try:
        yield
    finally:
        logging.disable(before)


def bind(**values: object) -> None:
    """Add values to every later line of this request, task or record; ``clear`` ends it."""
    structlog.contextvars.bind_contextvars(**values)


def clear() -> None:
    """Forget what ``bind`` added."""
    structlog.contextvars.clear_contextvars()


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        structlog.processors.StackInfoRenderer(),
    ]


def _last_processors(*, for_people: bool) -> list[Processor]:
    drop_meta: Processor = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if for_people:
        return [drop_meta, structlog.dev.ConsoleRenderer()]
    return [drop_meta, structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_json)]


def _add_trace(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Name the trace a line belongs to, so that logs, audit entries and letters are found by one id."""
    trace_id = tracing.current_trace_id()
    if trace_id is not None:
        event.setdefault("trace_id", trace_id)
    return event


def _json(event: Any, **options: Any) -> str:
    """Never fails: what JSON has no word for (bytes, a lone surrogate, a huge number) is written as Python shows it."""
    try:
        return orjson.dumps(event, default=repr, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, ValueError):
        return orjson.dumps({_readable(name): _readable(value) for name, value in event.items()}).decode()


def _readable(value: object) -> str:
    return (value if isinstance(value, str) else repr(value)).encode("utf-8", "backslashreplace").decode()
