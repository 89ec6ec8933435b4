"""Who is told of new letters: after the commit and perhaps never, so a listener needs a sweep for what it missed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from dlq.operations.ingest.values import StoredLetter

log = structlog.get_logger(__name__)

Listener = Callable[[Sequence[StoredLetter]], None]

_listeners: list[Listener] = []


def on_stored(listener: Listener) -> Listener:
    """Have ``listener`` called with every batch of new letters; once, however often it is given."""
    if listener not in _listeners:
        _listeners.append(listener)
    return listener


def tell(letters: Sequence[StoredLetter]) -> None:
    """Call every listener; the letters are committed, so a listener's error is logged and ends nothing."""
    for listener in _listeners:
        try:
            listener(letters)
        except Exception:  # the edge between two subjects: the writer must not fail for its listeners
            log.exception("letter_listener_failed", listener=getattr(listener, "__qualname__", ""), count=len(letters))
