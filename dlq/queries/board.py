"""What replays tell the console: runs that need a person, what happened to runs, how many there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Count

from dlq.domain.item import ItemState
from dlq.domain.run import ENDED, RunState
from dlq.models import Replay
from dlq.queries import replays
from reliability import access
from reliability.console.domain.values import Figure, Item, Status, Tile, TimelineRow
from reliability.kernel.telemetry import names

SHOWN_MAX = 50
WITHOUT_GROUP_SINCE = 200  # newest runs among which those without a consumer group are looked for


def tile(*, actor: access.Actor, now: datetime) -> Tile:
    """Runs that are not over, of those the actor may see, and how many letters they have yet to send."""
    listed = Replay.objects.exclude(state__in=[str(each) for each in ENDED]).order_by("-pk").defer("scope")
    runs = [run for run in listed[:SHOWN_MAX] if replays.may_see(run.topics, actor=actor)]
    states = {RunState(run.state) for run in runs}
    status, word = next((looks for state, looks in _LOOKS if state in states), ("ok", "None"))
    stopped = sum(run.state == RunState.STOPPED for run in runs)
    moving = len(runs) - stopped
    return Tile(
        title="Replays",
        value=f"{moving or stopped:,}",
        unit=", ".join(part for part in _parts(moving, stopped, runs) if part),
        status=status,
        word=word,
        at=now,
        url="/replays/",
    )


def _parts(moving: int, stopped: int, runs: Sequence[Replay]) -> tuple[str, str, str]:
    """What the tile's figure counts (those under way, else those that stopped), the others, what is left to send."""
    left = sum(run.counts.get("planned", 0) for run in runs)
    send = f"{left:,} {'letter' if left == 1 else 'letters'} to send" if runs else ""
    if stopped and not moving:
        return "stopped", "", send
    return "under way", f"{stopped} stopped" if stopped else "", send


_LOOKS: tuple[tuple[RunState, tuple[Status, str]], ...] = (
    (RunState.STOPPED, ("crit", "Stopped")),
    (RunState.PAUSED, ("paused", "Paused")),
    (RunState.STOPPING, ("warn", "Stopping")),
    (RunState.RUNNING, ("prog", "Running")),
)
"""What the tile says, the first state that a run is in."""


def attention() -> list[Item]:
    """Runs that stopped by themselves, and runs whose outcome cannot be seen before somebody names the group."""
    stopped = Replay.objects.filter(state=RunState.STOPPED).order_by("pk")[:SHOWN_MAX]
    newest = Replay.objects.order_by("-pk").defer("scope")[:WITHOUT_GROUP_SINCE]
    return [_stopped(run) for run in stopped] + [_groupless(run) for run in newest if run.counts.get("groupless")]


def timeline(since: datetime, limit: int) -> Sequence[TimelineRow]:
    """Runs that ended or stopped by themselves, newest first; what people did to them is in the audit."""
    ended = Replay.objects.filter(finished_at__gt=since).order_by("-finished_at").defer("scope")
    stopped = Replay.objects.filter(stopped_at__gt=since).order_by("-stopped_at").defer("scope")
    rows = [_ended(run) for run in ended[:limit]] + [row for run in stopped[:limit] for row in _stops(run)]
    return sorted((row for row in rows if row.at > since), key=lambda row: row.at, reverse=True)[:limit]


def figures() -> Iterable[Figure]:
    """How many runs are in each state."""
    counted = Replay.objects.values("state").annotate(runs=Count("pk")).values_list("state", "runs")
    for state, runs in counted:
        yield Figure(metric=names.REPLAYS, value=runs, labels={"state": state})


def _stopped(run: Replay) -> Item:
    return Item(
        id=f"replay:{run.pk}:stopped",
        room="letters",
        status="crit",
        word="Stopped",
        title=f"Replay #{run.pk} stopped by itself{_failure(run)}",
        detail=f"{run.stop_reason}; {run.counts.get('planned', 0):,} are not sent.",
        since=run.stopped_at or run.last_sent_at or run.created_at,
        url=_url(run),
        topics=tuple(run.topics),
        act_label="Look",
        act_url=_url(run),
        count=run.counts.get("planned", 0),
        lines=0,  # it stands on the page of replays, the badge counts failures
        is_cause=True,  # its letters wait for nobody else: before failures that are merely new
    )


def _failure(run: Replay) -> str:
    """The first failure that it met again; "" when Kafka refused everything."""
    failed = run.items.filter(state=ItemState.FAILED_AGAIN).order_by("position")
    titles = failed.values_list("letter__group__title", flat=True)[:1]
    return "".join(f": {title}" for title in titles)


def _groupless(run: Replay) -> Item:
    count = run.counts["groupless"]
    return Item(
        id=f"replay:{run.pk}:group",
        room="letters",
        status="warn",
        word="Which group?",
        title=f"{count:,} items of replay {run.pk} were sent to nobody known",
        detail="Their letters name no consumer group: choose it to see what became of them.",
        since=run.last_sent_at,
        url=_url(run),
        topics=tuple(run.topics),
        act_label="Choose the group",
        act_url=_url(run),
        count=count,
        lines=0,
    )


def _stops(run: Replay) -> list[TimelineRow]:
    return [
        TimelineRow(
            at=datetime.fromisoformat(stop["at"]),
            kind="machine",
            status="crit",
            text=f"Replay #{run.pk} stopped by itself: {stop['why']}",
            url=_url(run),
            topics=tuple(run.topics),
        )
        for stop in run.stops
    ]


def _ended(run: Replay) -> TimelineRow:
    counts: dict[str, int] = run.counts
    failed, unknown = counts.get("failed_again", 0), counts.get("unknown", 0)
    status: Status = "crit" if failed else "warn" if unknown or counts.get("refused") else "ok"
    parts = [
        f"{number:,} {word}"
        for number, word in (
            (counts.get("confirmed", 0), "confirmed"),
            (counts.get("passed", 0), "passed without proof"),
            (failed, "failed again"),
            (unknown, "unknown"),
            (counts.get("sent", 0), "sent, outcome to come"),
            (counts.get("cancelled", 0), "not sent"),
        )
        if number
    ]
    return TimelineRow(
        at=run.finished_at or run.created_at,
        kind="machine",
        status=status,
        text=f"Replay #{run.pk} {run.state}: {', '.join(parts) or 'nothing to send'}",
        url=_url(run),
        topics=tuple(run.topics),
    )


def _url(run: Replay) -> str:
    return f"/replays/{run.pk}/"
