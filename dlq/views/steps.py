"""The ramp of a run as its page shows it: what became of each canary, and when the run would stop by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dlq.domain import ramp
from dlq.domain import run as runs
from dlq.domain.item import ItemState
from dlq.domain.run import Progress, RunState
from dlq.models import Replay
from dlq.queries.replays import Legs
from reliability.console.domain import wording

_S = ItemState


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of the ramp: ``failed``, ``done`` (all confirmed), ``passed`` (all went well, some without proof),
    ``open`` (not all is known) or still to come ("").

    ``now``: it is this step's turn. ``shape`` says the same as the colour.
    """

    kind: str
    shape: str
    now: bool
    label: str
    text: str


def steps(run: Replay, progress: Progress, legs: Legs) -> list[Step]:
    """What was sent before a stop, the canaries that this run is large enough for, then everything at its rate."""
    earlier = [legs.earlier] if legs.earlier is not None else []
    rest = _rest(progress, [*earlier, *legs.canaries])
    over = run.state in runs.ENDED
    made = [_step(run, leg, label=wording.number(leg.total), before="before it stopped: ") for leg in earlier]
    for place, leg in enumerate(legs.canaries):
        now = not over and run.ramp_step == place
        made.append(_step(run, leg, label=wording.number(leg.total), now=now))
    if rest.total:
        now = not over and run.ramp_step >= len(ramp.CANARY)
        label, waits = "the rest" if earlier else "all", f"at up to {wording.number(run.rate)}/s"
        made.append(_step(run, rest, label=label, now=now, waits=waits))
    return made


def stop_rule(failed_limit: float | None) -> str:
    """When a run stops by itself, with the numbers."""
    if failed_limit is None:
        return "never stops by itself: chosen so"
    return (
        f"stops by itself when {runs.FAILURES_MIN} or more failed again or were refused, "
        f"and they are more than {failed_limit:.0%} of those with an outcome".replace("%", " %")
    )


def so_far(run: Replay, progress: Progress) -> str:
    """How near a run is to stopping by itself, "" where it never does."""
    if run.failed_limit is None or run.state in runs.ENDED:
        return ""
    failures, judged = progress.failures - run.failures_before, progress.judged - run.judged_before
    since = " since it was resumed" if run.judged_before else ""
    if judged <= 0:
        return f"No outcome is known yet{since}."
    share = f"{wording.number(failures)} of {wording.number(judged)} failed{since} ({failures / judged:.0%})"
    few = f"; fewer than {runs.FAILURES_MIN} never stop it" if failures < runs.FAILURES_MIN else ""
    return f"So far {share.replace('%', ' %')}{few}."


def _rest(progress: Progress, known: Sequence[Progress]) -> Progress:
    """What the other legs leave. The run may have moved on between the readings: nothing is less than none."""
    states = {state: max(0, progress.of(state) - sum(leg.of(state) for leg in known)) for state in ItemState}
    return Progress(states=states, refused=max(0, progress.refused - sum(leg.refused for leg in known)))


def _step(run: Replay, leg: Progress, *, label: str, now: bool = False, waits: str = "waits", before: str = "") -> Step:
    kind, shape = _looks(run, leg, now=now)
    told = _outcomes(leg) if leg.fed or run.state in runs.ENDED else ""
    return Step(kind=kind, shape=shape, now=now, label=label, text=before + (told or _turn(run, now=now, waits=waits)))


def _looks(run: Replay, leg: Progress, *, now: bool) -> tuple[str, str]:
    """A canary that failed looks failed, and only one that is known to have gone well looks well."""
    if leg.failures:
        return "failed", "crit"
    if leg.judged == leg.total:
        return "passed" if leg.of(_S.PASSED) else "done", "ok"
    if now:
        return "", "prog" if run.state == RunState.RUNNING else "paused"
    if leg.of(_S.UNKNOWN):
        return "open", "unknown"
    return ("open", "prog") if leg.fed else ("", "")


def _turn(run: Replay, *, now: bool, waits: str) -> str:
    if not now:
        return waits
    return "being sent" if run.state == RunState.RUNNING else "held"


def _outcomes(leg: Progress) -> str:
    counted = (
        (leg.of(_S.CONFIRMED), "confirmed"),
        (leg.of(_S.PASSED), "passed"),
        (leg.of(_S.FAILED_AGAIN), "failed again"),
        (leg.refused, "refused"),
        (leg.of(_S.UNKNOWN), "unknown"),
        (leg.of(_S.SENT), "outcome to come"),
        (leg.of(_S.QUEUED), "queued"),
        (leg.of(_S.PLANNED), "not sent yet"),
        (leg.of(_S.CANCELLED) - leg.refused, "not sent"),
    )
    return ", ".join(f"{wording.number(count)} {word}" for count, word in counted if count > 0)
