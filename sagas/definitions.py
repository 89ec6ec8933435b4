"""The definitions that this process knows, by name and version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sagas.domain import definition as rules
from sagas.domain import told
from sagas.domain.definition import Definition, Pivot, Step, Wait, WrongDefinition
from sagas.domain.history import Side

_KNOWN: dict[tuple[str, int], Definition] = {}


def saga(
    name: str, *, version: int = 1, timeout: timedelta = rules.DEFAULT_SAGA, steps: Sequence[Step | Wait | Pivot]
) -> Definition:
    """Define a saga and make it known; the arguments are those of ``sagas.domain.definition.saga``.

    Raises ``WrongDefinition``, also for a second definition of the same name and version with other steps.
    """
    defined = rules.saga(name, version=version, timeout=timeout, steps=steps)
    before = _KNOWN.get((name, version))
    if before is not None and before.plan != defined.plan:
        raise WrongDefinition(
            f"saga {name!r} version {version} is defined twice, with other steps; sagas that run keep the version they "
            f"began with, so say version={version + 1} and leave version {version} in the code until none of it runs"
        )
    _KNOWN[name, version] = defined
    return defined


def find(name: str, version: int) -> Definition | None:
    """Return the definition; None: the code of this process does not have it."""
    return _KNOWN.get((name, version))


def says(name: str, version: int, step: str, side: Side) -> str:
    """Return what a step or its undo does, in its author's words; "" where nobody said it, or the code is not here."""
    definition = find(name, version)
    found = definition.steps.get(step) if definition is not None else None
    if not isinstance(found, Step):
        return ""
    return told.says(found.undo if side is Side.UNDO else found.do)


def known() -> list[Definition]:
    """Return every definition, by name, newest version first."""
    return sorted(_KNOWN.values(), key=lambda each: (each.name, -each.version))


def forget(name: str, version: int) -> None:
    """Take a definition away; for tests that remove one while a saga of it runs."""
    _KNOWN.pop((name, version), None)
