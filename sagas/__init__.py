"""Sagas: steps over several systems that are all done, or undone, whatever breaks in between.

``saga(...)`` defines one, ``start(...)`` starts it inside a transaction, ``tell(...)`` tells it of an event.
``reconciliation(...)`` says what two sides should agree on, and what mends it when they do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sagas.definitions import saga
    from sagas.domain.definition import nothing, pivot, step, wait
    from sagas.domain.errors import Unknown
    from sagas.domain.policies import days, forever, hours, minutes, once, retry, seconds
    from sagas.domain.reconciling.commands import ActOnSaga, AppendEvent, StartSaga, TellSaga
    from sagas.domain.reconciling.definition import automatic, difference, invariant, repair
    from sagas.domain.reconciling.pair import Pair
    from sagas.engine.working import run
    from sagas.operations.signals import tell
    from sagas.operations.starting import start
    from sagas.queries.sides import http_api, postgres, rows
    from sagas.reconciliations import reconciliation

_HOMES = {
    "saga": "sagas.definitions",
    **dict.fromkeys(("nothing", "pivot", "step", "wait"), "sagas.domain.definition"),
    "Unknown": "sagas.domain.errors",
    **dict.fromkeys(("days", "forever", "hours", "minutes", "once", "retry", "seconds"), "sagas.domain.policies"),
    "run": "sagas.engine.working",
    "tell": "sagas.operations.signals",
    "start": "sagas.operations.starting",
    **dict.fromkeys(("ActOnSaga", "AppendEvent", "StartSaga", "TellSaga"), "sagas.domain.reconciling.commands"),
    **dict.fromkeys(("automatic", "difference", "invariant", "repair"), "sagas.domain.reconciling.definition"),
    "Pair": "sagas.domain.reconciling.pair",
    **dict.fromkeys(("http_api", "postgres", "rows"), "sagas.queries.sides"),
    "reconciliation": "sagas.reconciliations",
}

__all__ = [
    "ActOnSaga",
    "AppendEvent",
    "Pair",
    "StartSaga",
    "TellSaga",
    "Unknown",
    "automatic",
    "days",
    "difference",
    "forever",
    "hours",
    "http_api",
    "invariant",
    "minutes",
    "nothing",
    "once",
    "pivot",
    "postgres",
    "reconciliation",
    "repair",
    "retry",
    "rows",
    "run",
    "saga",
    "seconds",
    "start",
    "step",
    "tell",
    "wait",
]


def __getattr__(name: str) -> Any:
    """Fetch the public names late, because Django imports this package before its settings are ready."""
    if name not in _HOMES:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
