"""Calling a step's functions: whatever they do ends as a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from reliability.kernel.errors import Permanent, Transient
from sagas.domain import codec
from sagas.domain.definition import Probe, Work
from sagas.domain.errors import Unknown
from sagas.domain.history import Outcome, Why
from sagas.domain.settling import Ended

log = structlog.get_logger(__name__)


def call(work: Work, data: Mapping[str, Any], key: str) -> Ended:
    """Call ``do`` or ``undo`` and return how it ended; never raises what the function raises."""
    try:
        return _succeeded(work(data, key))
    except Exception as error:  # noqa: BLE001 - the edge to the user's code
        return failed(error, key)


def ask(probe: Probe, data: Mapping[str, Any], key: str) -> Ended:
    """Call a probe: FAILED says that the work did not happen; an error of the probe leaves it unknown."""
    try:
        answer = probe(data, key)
    except Exception as error:  # noqa: BLE001 - the edge to the user's code
        ended = failed(error, key)
        return Ended(outcome=Outcome.UNKNOWN, why=ended.why, error=f"the probe failed: {ended.error}")
    if answer is None:
        return Ended(outcome=Outcome.UNKNOWN)
    if answer is False:
        return Ended(outcome=Outcome.FAILED)
    return _succeeded(None if answer is True else answer)


def failed(error: Exception, key: str) -> Ended:
    """Return how a function ended that raised ``error``.

    An error that it does not declare says nothing of what happened: a request may have been answered, or not. Of a
    local step, which is rolled back, that makes a failure like any other.
    """
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, Permanent):
        return Ended(outcome=Outcome.FAILED, why=Why.PERMANENT, error=text)
    if isinstance(error, Unknown):
        return Ended(outcome=Outcome.UNKNOWN, why=Why.TIMEOUT, error=text)
    if isinstance(error, Transient):
        return Ended(outcome=Outcome.FAILED, why=Why.TRANSIENT, error=text)
    log.warning("step_raised", key=key, error=text, exc_info=error)
    return Ended(outcome=Outcome.UNKNOWN, why=Why.BUG, error=text)


def _succeeded(result: object) -> Ended:
    try:
        return Ended(outcome=Outcome.SUCCEEDED, result=codec.checked_result(result))
    except codec.NotStorable as error:  # it was done, and what it said is lost: nobody may take it for not done
        return Ended(outcome=Outcome.UNKNOWN, why=Why.BUG, error=f"it was done, but its result is lost: {error}")
