"""The part of a definition that a history carries along: enough to show and to fold it without the code.

So a saga is readable after its definition has been removed, and two versions of one definition can run side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class StepPlan:
    """One step: its name and what the rules must know of it. ``event`` is set for a step that waits.

    ``gives``: names of the data that later steps read of it; who says in its place that it is done has to give them.
    """

    name: str
    local: bool = False
    undoes: bool = False
    probes: bool = False
    partial: bool = False
    unknown: str = "person"
    event: str = ""
    late: str = ""
    gives: tuple[str, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether it waits for an event instead of doing something."""
        return bool(self.event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps in their order. ``pivot``: so many steps come before the point of no return; None: there is none."""

    steps: tuple[StepPlan, ...]
    pivot: int | None = None

    def place(self, name: str) -> int:
        """Return the step's place from 0; raises ``KeyError``."""
        for place, step in enumerate(self.steps):
            if step.name == name:
                return place
        raise KeyError(name)

    def step(self, name: str) -> StepPlan:
        """Return the step; raises ``KeyError``."""
        return self.steps[self.place(name)]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"steps": [asdict(step) for step in self.steps], "pivot": self.pivot}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Plan:
        """Return the plan in ``value``; fields that a newer version added are left out."""
        known = StepPlan.__slots__
        steps = tuple(StepPlan(**{name: step[name] for name in known if name in step}) for step in value["steps"])
        return cls(steps=tuple(replace(step, gives=tuple(step.gives)) for step in steps), pivot=value["pivot"])
