"""How pages call what sagas and steps are in."""

from __future__ import annotations

from reliability.console.domain import wording
from sagas.domain.acts import Act
from sagas.domain.history import Kind, Side
from sagas.domain.plan import StepPlan
from sagas.domain.state import Effect, Status, StepState

STATUSES: dict[Status, tuple[str, str]] = {
    Status.NEEDS_OPERATOR: ("crit", "Needs a person"),
    Status.RUNNING: ("prog", "Running"),
    Status.COMPENSATING: ("warn", "Going back"),
    Status.COMPLETED: ("ok", "Completed"),
    Status.COMPENSATED: ("paused", "Undone"),
    Status.RESOLVED: ("ok", "Resolved"),
    Status.TERMINATED: ("paused", "Terminated"),
}
"""Shape and word of each."""

DO: dict[Effect, tuple[str, str]] = {
    Effect.IDLE: ("unknown", "Not started"),
    Effect.RUNNING: ("prog", "Runs"),
    Effect.RETRYING: ("warn", "Retrying"),
    Effect.AWAITING: ("prog", "Waiting"),
    Effect.UNKNOWN: ("warn", "Not known"),
    Effect.SUCCEEDED: ("ok", "Done"),
    Effect.FAILED: ("crit", "Failed"),
    Effect.SKIPPED: ("paused", "Skipped"),
}
UNDO: dict[Effect, tuple[str, str]] = {
    **DO,
    Effect.IDLE: ("unknown", "Not needed"),
    Effect.SUCCEEDED: ("ok", "Undone"),
    Effect.FAILED: ("crit", "Undo failed"),
}
ACTS: dict[Act, str] = {
    Act.RETRY: "Retry now",
    Act.PROBE: "Ask again what happened",
    Act.HAPPENED: "It happened",
    Act.NOT_HAPPENED: "It did not happen",
    Act.SKIP: "Skip",
    Act.COMPENSATE: "Undo it all",
    Act.RESUME: "Resume from a step",
    Act.EDIT: "Edit data",
    Act.RESOLVE: "Mark resolved",
    Act.TERMINATE: "Terminate",
}
MEANS: dict[Act, str] = {
    Act.RETRY: "The step at hand is tried at once, and again as often as at first.",
    Act.PROBE: "The step's probe is asked at once what became of its last try.",
    Act.HAPPENED: "You have seen that it was done: the saga goes on from there.",
    Act.NOT_HAPPENED: "You have seen that it was not done: the saga takes it for not done.",
    Act.SKIP: "The step at hand is left as it is, and the saga goes on behind it.",
    Act.COMPENSATE: "What was done is undone, the last first. No step goes forward any more.",
    Act.RESUME: "The saga goes forward again from the step you choose, under new keys.",
    Act.EDIT: "The steps to come get other data. What was done stays.",
    Act.RESOLVE: "It was put right by other means. Nothing is called any more.",
    Act.TERMINATE: "The saga ends as it is. Nothing is undone.",
}
KINDS: dict[Kind, str] = {
    Kind.STARTED: "started",
    Kind.ATTEMPTED: "begins",
    Kind.SUCCEEDED: "done",
    Kind.RETRYING: "failed, is tried again",
    Kind.FAILED: "failed",
    Kind.UNKNOWN: "ended without an answer",
    Kind.PROBED: "asked what happened",
    Kind.LATE: "answered late",
    Kind.AWAITED: "waits",
    Kind.ARRIVED: "event came",
    Kind.EXPIRED: "event did not come",
    Kind.TURNED: "goes back",
    Kind.COMPLETED: "completed",
    Kind.COMPENSATED: "undone",
    Kind.PARKED: "needs a person",
    Kind.RETRIED: "retry asked for",
    Kind.SKIPPED: "skipped",
    Kind.DECLARED: "outcome declared",
    Kind.RESUMED: "resumed",
    Kind.EDITED: "data edited",
    Kind.RESOLVED: "marked resolved",
    Kind.TERMINATED: "terminated",
}


def of_side(step: StepPlan, state: StepState, side: Side, *, owed: bool) -> tuple[str, str]:
    """Return shape and word for one side of a step; ``owed``: there is something that an undo would take back."""
    if side is Side.DO:
        return DO[state.do.effect]
    if not step.undoes:
        return ("unknown", "Nothing to undo")
    if state.undo.effect is Effect.IDLE and owed:
        return ("unknown", "Not yet")
    return UNDO[state.undo.effect]


def lasted(seconds: float | None) -> str:
    """Return how long something took, as short as it can be said; a dash where it is not known."""
    if seconds is None:
        return "—"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else wording.span(seconds)
