"""Whether a migration lets the version before go on working: it may add, and only what the old code need not know.

Two versions run side by side while a deployment is rolled out, over one database that has the new tables already. Old
code names its own columns in what it writes, so a column that must be given and has no default of the database's own
stops it; what it reads must stay. Taking away (contract) comes with a later version, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db import models
from django.db.migrations import operations
from django.db.migrations.operations.base import Operation
from django.db.models import NOT_PROVIDED

CONTRACT = "contracts"
"""A migration that takes away says here since which version nothing uses it: ``contracts = "unused since 0.2.0"``."""
TAKES_AWAY = (
    operations.RemoveField,
    operations.DeleteModel,
    operations.RenameField,
    operations.RenameModel,
    operations.AlterModelTable,
)
HARMLESS = (
    operations.CreateModel,
    operations.AddIndex,
    operations.RemoveIndex,
    operations.RenameIndex,
    operations.RemoveConstraint,
    operations.AlterModelOptions,
    operations.AlterModelManagers,
)


def problems(steps: Sequence[Operation], *, contracts: str = "") -> list[str]:
    """Return why the version before would stop working beside these steps; none when it would not."""
    new = {step.name.lower() for step in steps if isinstance(step, operations.CreateModel)}
    return [problem for step in steps for problem in _of(step, new, contracts)]


def _of(step: Operation, new: set[str], contracts: str) -> Iterator[str]:
    of = str(getattr(step, "model_name", getattr(step, "name", ""))).lower()
    if of in new or isinstance(step, HARMLESS):
        return
    if isinstance(step, operations.SeparateDatabaseAndState):
        for inner in step.database_operations:
            yield from _of(inner, new, contracts)
        return
    why = _why(step)
    if why and not contracts:
        yield f"{step.describe()}: {why}"


def _why(step: Operation) -> str:
    """Return what old code does not bear, "" when it bears it."""
    if isinstance(step, TAKES_AWAY):
        return "old code still uses it; take it away with a later version (contracts)"
    match step:
        case operations.AddField() | operations.AlterField():
            return "" if _may_be_left_out(step.field) else "old code does not give it: null, or a db_default"
        case operations.AddConstraint():
            return "old code may write what it refuses; add it with a later version (contracts)"
        case operations.RunSQL() | operations.RunPython():
            is_said = getattr(step, "hints", {}).get("expands")
            return "" if is_said else "say with hints={'expands': True} that old code goes on beside it"
    return "nobody has looked whether old code goes on beside a step of this kind"


def _may_be_left_out(field: models.Field) -> bool:  # type: ignore[type-arg]
    return bool(field.null) or field.db_default is not NOT_PROVIDED or isinstance(field, models.ManyToManyField)
