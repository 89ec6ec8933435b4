"""Definitions: each with its graph and what its steps did of late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from reliability import access
from reliability.live import fragment
from sagas import definitions
from sagas.domain.definition import Definition, Wait
from sagas.domain.plan import StepPlan
from sagas.queries import histories, statistics
from sagas.queries.statistics import StepFigures
from sagas.views import wording

BOX_W, GAP = 132, 28
NOTHING = StepFigures(done=0, failed=0, undone=0, median_s=None, p99_s=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A step in the drawing: forward above, its undo below."""

    x: int
    name: str
    note: str
    wait: bool
    undoes: bool
    first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A definition as a picture."""

    width: int
    boxes: list[Box]
    pivot_x: int | None
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A step with its policy and what it did of late."""

    name: str
    policy: str
    done: int
    failed: int
    undone: int
    median: str
    p99: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A definition with its picture and the figures of its steps."""

    definition: Definition
    drawing: Drawing
    steps: list[StepRow]
    open: int


@require_safe
@access.requires("sagas.view")
def page(request: HttpRequest) -> HttpResponse:
    """Every definition that the console has the code of, and names of those it has not."""
    known = definitions.known()
    figures = statistics.steps()
    running = statistics.open_sagas()
    shown = [_shown(each, figures, running) for each in known]
    have = {(each.name, each.version) for each in known}
    missing = sorted(
        (name, version, count) for (name, version), count in running.items() if (name, version) not in have
    )
    context: dict[str, Any] = {
        "title": "Saga definitions",
        "now": histories.database_now(),
        "shown": shown,
        "missing": missing,
        "since_h": statistics.SINCE_H,
    }
    seen = [(each.definition.name, each.definition.version, each.open, str(each.steps)) for each in shown]
    return fragment.page(request, "sagas/definitions.html", context, regions={"definitions": [seen, missing]})


def _shown(
    definition: Definition,
    figures: dict[tuple[str, int, str], StepFigures],
    running: dict[tuple[str, int], int],
) -> Shown:
    name, version = definition.name, definition.version
    steps = [
        _row(step, _policy(definition, step), figures.get((name, version, step.name), NOTHING))
        for step in definition.plan.steps
    ]
    return Shown(definition=definition, drawing=_drawn(definition), steps=steps, open=running.get((name, version), 0))


def _row(step: StepPlan, policy: str, figures: StepFigures) -> StepRow:
    return StepRow(
        name=step.name,
        policy=policy,
        done=figures.done,
        failed=figures.failed,
        undone=figures.undone,
        median=wording.lasted(figures.median_s),
        p99=wording.lasted(figures.p99_s),
    )


def _drawn(definition: Definition) -> Drawing:
    boxes = [
        Box(
            x=place * (BOX_W + GAP),
            name=step.name,
            note=step.event if step.waits else "in this database" if step.local else "elsewhere",
            wait=step.waits,
            undoes=step.undoes,
            first=place == 0,
        )
        for place, step in enumerate(definition.plan.steps)
    ]
    pivot = definition.plan.pivot
    words = " then ".join(step.name for step in definition.plan.steps)
    return Drawing(
        width=len(boxes) * (BOX_W + GAP) - GAP,
        boxes=boxes,
        pivot_x=pivot * (BOX_W + GAP) - GAP // 2 if pivot is not None and pivot < len(boxes) else None,
        told=f"{definition.name}: {words}",
    )


def _policy(definition: Definition, step: StepPlan) -> str:
    defined = definition.step(step.name)
    if isinstance(defined, Wait):
        late = "then a person is asked" if defined.late == "person" else "then it goes back"
        return f"waits {defined.deadline.total_seconds():g} s, {late}"
    times = defined.retry.times
    tries = "tries without end" if times is None else "one try" if times == 1 else f"{times} tries"
    unknown = (
        ""
        if defined.local
        else "; no answer: "
        + (
            "its probe is asked"
            if defined.probe
            else "repeated"
            if defined.unknown == "repeat"
            else "a person is asked"
        )
    )
    return f"{tries}, each of {defined.timeout.total_seconds():g} s{unknown}"
