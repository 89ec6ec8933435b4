"""What an operator does with a run: pause, resume, cancel, change its rate, say which group processes its items."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from dlq.domain import ramp
from dlq.domain import run as runs
from dlq.domain.item import ItemState
from dlq.domain.run import RunEvent, RunState
from dlq.models import Replay, ReplayItem
from dlq.operations import items
from dlq.operations.plans import BadPlan, checked_rate
from dlq.queries import replays as queries
from reliability import access, audit
from reliability.audit import Draft
from reliability.kafka import group_names
from reliability.kernel.errors import Refused


class NothingGroupless(Refused):
    """Every item of the run has its consumer group already: nothing is changed."""

    code = "nothing-groupless"


@dataclass(frozen=True, slots=True, kw_only=True)
class OnTheWay:
    """A run after an act on it; ``on_the_way`` items are in the outbox already and will be sent all the same."""

    replay: Replay
    on_the_way: int
    withdrawn: int = 0


def pause(*, replay_id: int, actor: access.Actor, now: datetime) -> OnTheWay:
    """Send nothing more until ``resume``. Raises ``NoSuchReplay``, ``CannotNow``, ``access.Denied``."""
    with _act("letters.replay_pause", replay_id, actor) as (run, entry):
        run.state = runs.moved(RunState(run.state), RunEvent.PAUSE)
        run.save()
        items.wake(run, by=actor.name)
        return _told(run, entry)


def resume(*, replay_id: int, actor: access.Actor, now: datetime) -> OnTheWay:
    """Go on where the run stands. After a stop by itself the canaries begin anew, and what failed is forgiven."""
    with _act("letters.replay_resume", replay_id, actor) as (run, entry):
        progress = items.progress(run)
        if run.state == RunState.STOPPED:
            run.ramp_step, run.ramp_base = 0, progress.fed
            run.failures_before, run.judged_before = progress.failures, progress.judged
            run.stop_reason = ""
        run.state = runs.moved(RunState(run.state), RunEvent.RESUME)
        run.credit, run.paced_at = 1.0, now
        run.save()
        items.wake(run, by=actor.name)
        return _told(run, entry)


def cancel(*, replay_id: int, actor: access.Actor, now: datetime) -> OnTheWay:
    """Take back every item that is not in the outbox yet; their letters are open again. What was sent stays sent."""
    with _act("letters.replay_cancel", replay_id, actor) as (run, entry):
        run.state = runs.moved(RunState(run.state), RunEvent.CANCEL)
        withdrawn = items.withdraw_planned(run, now=now)
        items.end_if_due(run, now=now)
        run.save()
        items.wake(run, by=actor.name)
        return _told(run, entry, withdrawn=withdrawn)


def change_rate(*, replay_id: int, rate: float, actor: access.Actor, now: datetime) -> OnTheWay:
    """Send at most ``rate`` items a second from now on; raises ``BadPlan`` for a rate that is none."""
    rate = checked_rate(rate)
    with _act("letters.replay_rate", replay_id, actor) as (run, entry):
        if RunState(run.state) in runs.ENDED:
            raise runs.CannotNow(f"The run is {run.state}.")
        entry.facts |= {"before": run.rate, "after": rate}
        run.rate = rate
        run.credit = min(run.credit, max(1.0, rate * ramp.WINDOW_S))
        run.save()
        items.wake(run, by=actor.name)
        return _told(run, entry)


def choose_group(*, replay_id: int, group: str, reason: str, actor: access.Actor, now: datetime) -> OnTheWay:
    """Say which consumer group processes the items whose letters name none; from then on their outcome is watched.

    Raises ``BadPlan`` for a name that is none, ``NothingGroupless``, ``NoSuchReplay``, ``access.Denied`` and
    ``audit.ReasonRequired``.
    """
    if wrong := group_names.trouble(group):
        raise BadPlan(f"The consumer group's name {wrong}.")
    if not group.isprintable():
        raise BadPlan("A consumer group has a printable name.")
    with _act("letters.settle", replay_id, actor, reason=reason) as (run, entry):
        chosen = ReplayItem.objects.filter(replay=run, consumer_group="").update(consumer_group=group, watched_from=now)
        if not chosen:
            raise NothingGroupless
        entry.facts |= {"group": group, "items": chosen}
        run.counts = {**run.counts, items.GROUPLESS: 0}
        run.save()
        items.wake(run, by=actor.name)
        return _told(run, entry)


@contextmanager
def _act(act: str, replay_id: int, actor: access.Actor, *, reason: str = "") -> Iterator[tuple[Replay, Draft]]:
    """Open the act's transaction with the run's row locked. A run out of sight is answered as one that there is not."""
    target = f"replay:{replay_id}"
    with audit.admitted(act, actor=actor, target=target):
        topics = queries.visible_replay(replay_id, actor=actor).topics
    with audit.action(act, actor=actor, target=target, reason=reason, topics=topics) as entry:
        run = items.locked(replay_id)
        if run is None:
            raise queries.NoSuchReplay
        yield run, entry


def _told(run: Replay, entry: Draft, *, withdrawn: int = 0) -> OnTheWay:
    on_the_way = items.progress(run).of(ItemState.QUEUED)
    entry.facts |= {"state": run.state, "on_the_way": on_the_way, "withdrawn": withdrawn}
    return OnTheWay(replay=run, on_the_way=on_the_way, withdrawn=withdrawn)
