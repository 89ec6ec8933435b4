"""The reconciliations that this process knows, by name."""

from __future__ import annotations

from typing import Any

from sagas.domain.reconciling import definition as rules
from sagas.domain.reconciling.definition import Reconciliation, WrongReconciliation

_KNOWN: dict[str, Reconciliation] = {}


def reconciliation(name: str, title: str, **facts: Any) -> Reconciliation:
    """Define a reconciliation and make it known; the arguments are those of ``sagas.domain.reconciling.definition``.

    Raises ``WrongReconciliation``, also for a second one of the same name.
    """
    defined = rules.reconciliation(name, title, **facts)
    if name in _KNOWN:
        raise WrongReconciliation(f"reconciliation {name!r} is defined twice; its findings would be mixed up")
    _KNOWN[name] = defined
    return defined


def find(name: str) -> Reconciliation | None:
    """Return the reconciliation; None: the code of this process does not have it."""
    return _KNOWN.get(name)


def known() -> list[Reconciliation]:
    """Return every reconciliation, by name."""
    return sorted(_KNOWN.values(), key=lambda each: each.name)


def forget(name: str) -> None:
    """Take a reconciliation away; for tests that define their own."""
    _KNOWN.pop(name, None)
