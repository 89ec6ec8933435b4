"""How far a run is, as figures and a bar: values for the page, taken from the run's own counts."""

from __future__ import annotations

from dataclasses import dataclass

from dlq.domain import run as runs
from dlq.domain.item import ItemState
from dlq.domain.run import Progress, RunEvent, RunState
from dlq.models import Replay
from reliability.console.domain import wording

_S = ItemState
RUN_WORDS: dict[str, tuple[str, str]] = {
    RunState.RUNNING: ("prog", "Running"),
    RunState.PAUSED: ("paused", "Paused"),
    RunState.STOPPING: ("warn", "Stopping"),
    RunState.STOPPED: ("crit", "Stopped by itself"),
    RunState.CANCELLED: ("paused", "Cancelled"),
    RunState.FINISHED: ("ok", "Finished"),
}
ITEM_WORDS: dict[str, tuple[str, str]] = {
    _S.PLANNED: ("unknown", "Not sent yet"),
    _S.QUEUED: ("prog", "Queued"),
    _S.SENT: ("prog", "Sent"),
    _S.PASSED: ("ok", "Passed"),
    _S.CONFIRMED: ("ok", "Confirmed"),
    _S.FAILED_AGAIN: ("crit", "Failed again"),
    _S.UNKNOWN: ("unknown", "Unknown"),
    _S.CANCELLED: ("paused", "Not sent"),
}
"""Status and word of each item state; a word claims no more than is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of the run; ``state`` leads to its items."""

    kind: str
    value: int
    text: str
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part of the bar, in percent of its width."""

    kind: str
    x: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A run as the page shows it: ``word`` with the step of its ramp, ``short`` without."""

    kind: str
    word: str
    short: str
    figures: list[Figure]
    segments: list[Segment]
    line: str
    failed: int
    planned: int
    on_the_way: int
    sent: int
    can_pause: bool
    can_resume: bool
    can_cancel: bool
    over: bool


def shown(run: Replay, progress: Progress) -> Shown:
    """Return what the page says of a run; nothing here is guessed: every number is an item's state."""
    state = RunState(run.state)
    kind, short = _verdict(state, progress)
    return Shown(
        kind=kind,
        word=f"{short} · {run.ramp_note}" if state is RunState.RUNNING and run.ramp_note else short,
        short=short,
        figures=_figures(progress),
        segments=_segments(progress),
        line=_line(run, progress),
        failed=progress.of(_S.FAILED_AGAIN),
        planned=progress.of(_S.PLANNED),
        on_the_way=progress.of(_S.QUEUED),
        sent=progress.of(_S.SENT),
        can_pause=runs.can(state, RunEvent.PAUSE),
        can_resume=runs.can(state, RunEvent.RESUME),
        can_cancel=runs.can(state, RunEvent.CANCEL),
        over=state in runs.ENDED,
    )


def _verdict(state: RunState, progress: Progress) -> tuple[str, str]:
    """Status and word. A finished run is not green when something in it failed or is not known, and it says what."""
    kind, word = RUN_WORDS[state]
    if state is not RunState.FINISHED:
        return kind, word
    for count, bad, said in (
        (progress.failures, "crit", "failed"),
        (progress.of(_S.UNKNOWN), "warn", "unknown"),
        (progress.groupless, "warn", "without a group"),
    ):
        if count:
            return bad, f"{word}, {wording.number(count)} {said}"
    return kind, word


def _figures(progress: Progress) -> list[Figure]:
    def one(kind: str, state: ItemState, text: str) -> Figure:
        return Figure(kind=kind, value=progress.of(state), text=text, state=str(state))

    # Nothing is queued for long but when the outbox does not send: then it is worth a figure.
    queued = [one("prog", _S.QUEUED, "queued, on their way to Kafka")] if progress.of(_S.QUEUED) else []
    return [
        one("ok", _S.CONFIRMED, "confirmed processed"),
        one("passed", _S.PASSED, "passed, no proof"),
        one("prog", _S.SENT, "sent, outcome to come"),
        one("crit", _S.FAILED_AGAIN, "failed again"),
        one("unknown", _S.UNKNOWN, "unknown"),
        *queued,
        one("", _S.PLANNED, "not sent yet"),
    ]


_BAR = (
    ("ok", (_S.CONFIRMED,)),
    ("passed", (_S.PASSED,)),
    ("prog", (_S.SENT, _S.QUEUED)),
    ("crit", (_S.FAILED_AGAIN,)),
    ("unknown", (_S.UNKNOWN,)),
)


def standstill(*, paused: int, of: int, halted: bool) -> str:
    """Why the outbox sends nothing, or not everything, in words; "" when it sends. ``paused`` ``of`` its shards are."""
    if halted:
        return "The outbox is halted: nothing leaves until its relays go on."
    if not paused:
        return ""
    if paused == of:
        return "The outbox is paused: nothing leaves until it is resumed."
    shards = f"{paused} of the outbox's {of} shards {'is' if paused == 1 else 'are'} paused"
    return f"{shards}: what is queued there stays until it is resumed."


def _segments(progress: Progress) -> list[Segment]:
    """Each part in proportion; one that exists is never thinner than can be seen."""
    segments, x = [], 0.0
    for kind, states in _BAR:
        count = sum(progress.of(state) for state in states)
        if count and progress.total:
            width = max(0.4, 100 * count / progress.total)
            segments.append(Segment(kind=kind, x=round(x, 3), width=round(width, 3)))
            x += width
    return segments


def _line(run: Replay, progress: Progress) -> str:
    planned, cancelled, queued = (progress.of(state) for state in (_S.PLANNED, _S.CANCELLED, _S.QUEUED))
    left = progress.total - planned - cancelled - queued
    parts = [f"{wording.number(left)} of {wording.number(progress.total)}"]
    if queued:
        parts.append(f"{wording.number(queued)} queued")
    parts.append(f"limit {wording.number(run.rate)}/s")
    if run.state == RunState.RUNNING and planned:
        parts.append(f"at least {wording.span(planned / run.rate)} to go")
    if cancelled:
        refused = f", {wording.number(progress.refused)} of them refused" if progress.refused else ""
        parts.append(f"{wording.number(cancelled)} not sent{refused}")
    if run.skipped:
        parts.append(f"{wording.number(run.skipped)} left out: not free any more when it was approved")
    if progress.groupless:
        parts.append(f"{wording.number(progress.groupless)} wait for their consumer group to be chosen")
    return " · ".join(parts)
