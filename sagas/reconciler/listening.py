"""What others have just changed: sagas that came to an end, records that a replay brought through."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from django.db import transaction

from sagas import reconciliations
from sagas.domain.reconciling.definition import Reconciliation
from sagas.operations.reconciling import touching

_Names = Callable[[Reconciliation], frozenset[str]]


def on_sagas(ids: Sequence[str], by: str) -> None:
    """Have the keys of sagas looked at; an id is ``definition/key``."""
    _touch(ids, lambda defined: defined.sagas)


def on_records(ids: Sequence[str], by: str) -> None:
    """Have the keys of records looked at; an id is ``topic/key``."""
    _touch(ids, lambda defined: defined.topics)


def _touch(ids: Sequence[str], names: _Names) -> None:
    wanted: dict[str, list[str]] = defaultdict(list)
    for each in ids:
        name, _, key = each.partition("/")
        for defined in reconciliations.known():
            if name in names(defined):
                wanted[defined.name].append(key)
    with transaction.atomic():
        for reconciliation, keys in wanted.items():
            touching.touch(reconciliation, keys)
