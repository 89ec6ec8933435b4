"""The kinds of batches that this code knows. A new kind is a module with a ``KIND``, and its name here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sagas.operations.batches import repairs, saga_acts
from sagas.operations.batches.kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {each.name: each for each in (saga_acts.KIND, repairs.KIND)}
