"""The edge between consumer groups: what is wrong with one must not hold up the settling of the others."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.db import Error, connection

log = structlog.get_logger(__name__)


def alone(what: str, settle: Callable[[], int]) -> int | None:
    """Return how many items ``settle`` moved; None when it failed, which is logged with ``what`` it was about.

    Raises what leaves the connection to the database unusable: that concerns all of them.
    """
    try:
        return settle()
    except Exception as error:  # the edge: whatever it is, the others go on
        if isinstance(error, Error) and not connection.is_usable():
            raise
        log.exception("outcome_not_settled", what=what)
        return None
