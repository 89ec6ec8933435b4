"""Reads of plans, runs and items, as values for pages, API and command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Count, QuerySet

from dlq.domain import classify, ramp
from dlq.domain.item import ItemState
from dlq.domain.run import ENDED, Progress, RunEvent, RunState, can
from dlq.models import Discard, LetterGroup, Replay, ReplayItem, ReplayPlan
from reliability import access
from reliability.kernel.errors import Refused

PAGE_ITEMS_MAX = 500
LOOKED_AT_MAX = 2_000  # rows whose topics are looked at for one page; more than any page holds
ID_DIGITS_MAX = 18

Row = TypeVar("Row", Replay, Discard)


class NoSuchPlan(Refused):
    """There is no such replay plan."""

    code = "no-such-plan"
    status = 404


class NoSuchReplay(Refused):
    """There is no such replay."""

    code = "no-such-replay"
    status = 404


def plan(plan_id: int) -> ReplayPlan:
    """Return a plan without its frozen letter ids; raise ``NoSuchPlan``."""
    found = ReplayPlan.objects.defer("letter_ids").filter(pk=plan_id).first()
    if found is None:
        raise NoSuchPlan
    return found


def failures_in(plan: ReplayPlan) -> list[tuple[int, str]]:
    """Return the failure groups of a plan's letters, id and title as they were then, those with most letters first."""
    return [(row["group"], row["title"]) for row in plan.counts.get("by_group", ())]


def unreadable_in(plan: ReplayPlan) -> int:
    """Return how many letters of a plan, of the failures that it names, died because nobody could read their bytes."""
    letters = {row["group"]: row["letters"] for row in plan.counts.get("by_group", ())}
    groups = LetterGroup.objects.filter(pk__in=letters, cause=classify.FORMAT).values_list("pk", flat=True)
    return sum(letters[each] for each in groups)


def failures_of_plans(plan_ids: Iterable[int]) -> dict[int, list[tuple[int, str]]]:
    """Return the same of several plans, by their ids."""
    plans = ReplayPlan.objects.filter(pk__in=list(plan_ids)).only("counts")
    return {each.pk: failures_in(each) for each in plans}


def replay_of_plan(plan_id: int) -> int | None:
    """Return the id of a plan's run, None while nobody approved it."""
    return Replay.objects.filter(plan_id=plan_id).values_list("pk", flat=True).first()


def replay(replay_id: int) -> Replay:
    """Return a run; raise ``NoSuchReplay``."""
    found = Replay.objects.filter(pk=replay_id).first()
    if found is None:
        raise NoSuchReplay
    return found


def visible_replay(replay_id: int, *, actor: access.Actor) -> Replay:
    """Return a run of which the actor may see every topic; raise ``NoSuchReplay`` otherwise, as if it did not exist."""
    found = replay(replay_id)
    if not may_see(found.topics, actor=actor):
        raise NoSuchReplay
    return found


def may_follow(actor: access.Actor, replay_id: str) -> bool:
    """Whether the actor may hear of this run, whose id comes from a page."""
    if not replay_id.isascii() or not replay_id.isdecimal() or len(replay_id) > ID_DIGITS_MAX:
        return False
    topics = Replay.objects.filter(pk=int(replay_id)).values_list("topics", flat=True).first()
    return topics is not None and may_see(topics, actor=actor)


def visible_plan(plan_id: int, *, actor: access.Actor) -> ReplayPlan:
    """Return a plan of which the actor may see every topic; raise ``NoSuchPlan`` otherwise.

    A plan without a letter has no topics: that one is its author's.
    """
    found = plan(plan_id)
    is_own = not found.topics and found.created_by == actor.shown
    if not is_own and not may_see(found.topics, actor=actor):
        raise NoSuchPlan
    return found


def may_see(topics: Sequence[str], *, actor: access.Actor) -> bool:
    """Whether every one of these topics lies in the actor's scopes; what has no topic takes every topic."""
    visible = access.visible_topics(actor)
    return visible.is_everything or (bool(topics) and all(visible.allows(topic) for topic in topics))


def newest_visible(rows: QuerySet[Row], *, actor: access.Actor, limit: int) -> tuple[list[Row], int | None]:
    """Return the newest rows of which the actor may see every topic, and the id before which the next page begins.

    That id is None at the end. Behind very many hidden rows a page may be short or empty and still have a next one:
    only so many rows are looked at for one.
    """
    newest = rows.order_by("-pk")
    most = limit if access.visible_topics(actor).is_everything else LOOKED_AT_MAX
    looked_at = list(newest.values_list("pk", "topics")[: most + 1])
    seen = [pk for pk, topics in looked_at[:most] if may_see(topics, actor=actor)]
    shown = list(newest.filter(pk__in=seen[:limit]))
    if len(seen) > limit:
        return shown, seen[limit - 1]
    return shown, looked_at[most - 1][0] if len(looked_at) > most else None


def counts(run: Replay) -> dict[str, int]:
    """Return how many items are in each state: every state is named."""
    return {str(state): run.counts.get(str(state), 0) for state in ItemState}


def acts(run: Replay) -> dict[str, bool]:
    """Return which acts are possible on the run now."""
    state = RunState(run.state)
    return {
        "pause": can(state, RunEvent.PAUSE),
        "resume": can(state, RunEvent.RESUME),
        "cancel": can(state, RunEvent.CANCEL),
        "rate": state not in ENDED,
        "choose_group": bool(run.counts.get("groupless")),
        "retry_failed": bool(run.counts.get(str(ItemState.FAILED_AGAIN))),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows and where the next ones begin, None at the end; see ``newest_visible``."""

    rows: list[Replay]
    next_before: int | None


def replays(
    *, actor: access.Actor, before: int | None = None, limit: int = 50, state: str = "", letter: int | None = None
) -> Page:
    """Return runs that the actor may see, newest first."""
    found = Replay.objects.all()
    if before is not None:
        found = found.filter(pk__lt=before)
    if state:
        found = found.filter(state=state)
    if letter is not None:
        found = found.filter(items__letter_id=letter)
    rows, next_before = newest_visible(found, actor=actor, limit=limit)
    return Page(rows=rows, next_before=next_before)


def items(
    run: Replay, *, state: str = "", after: int | None = None, limit: int = 100
) -> tuple[list[ReplayItem], int | None]:
    """Return items of a run by position, and the position after which the next page begins, None at the end."""
    found: QuerySet[ReplayItem] = ReplayItem.objects.filter(replay=run)
    if state:
        found = found.filter(state=state)
    if after is not None:
        found = found.filter(position__gt=after)
    letter_bytes = ("letter__key", "letter__value", "letter__headers", "letter__error_stack")
    rows = list(found.select_related("letter").defer(*letter_bytes).order_by("position")[: limit + 1])
    return rows[:limit], rows[limit - 1].position if len(rows) > limit else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Legs:
    """What became of the first items of a run: those fed before it stopped by itself and was resumed, if it did, and
    those of each canary; the last canary may be smaller than its size."""

    earlier: Progress | None
    canaries: list[Progress]


def legs(run: Replay) -> Legs:
    """Return the legs of a run. Items are fed by position, so a leg is a range of them."""
    fed = ReplayItem.objects.filter(replay=run).order_by("position")
    base = run.ramp_base
    found = list(fed.values_list("state", "refused")[base : base + sum(ramp.CANARY)])
    canaries, start = [], 0
    for size in ramp.CANARY:
        if part := found[start : start + size]:
            canaries.append(_leg((state, refused, 1) for state, refused in part))
        start += size
    if not base:
        return Legs(earlier=None, canaries=canaries)
    before = ReplayItem.objects.filter(pk__in=fed.values("pk")[:base]).values("state", "refused").order_by()
    counted = before.annotate(items=Count("pk")).values_list("state", "refused", "items")
    return Legs(earlier=_leg(counted), canaries=canaries)


def _leg(counted: Iterable[tuple[str, bool, int]]) -> Progress:
    states: Counter[ItemState] = Counter()
    refusals = 0
    for state, refused, count in counted:
        states[ItemState(state)] += count
        refusals += count if refused and state == ItemState.CANCELLED else 0
    return Progress(states=states, refused=refusals)


def live_ids() -> list[int]:
    """Return the runs that are not over, oldest first."""
    return list(
        Replay.objects.exclude(state__in=[str(each) for each in ENDED]).order_by("pk").values_list("pk", flat=True)
    )


def running_ids() -> list[int]:
    """Return the runs that may send now, oldest first."""
    return list(Replay.objects.filter(state=RunState.RUNNING).order_by("pk").values_list("pk", flat=True))


def has_queued() -> bool:
    """Whether anything is on its way without a receipt."""
    return ReplayItem.objects.filter(state=ItemState.QUEUED).exists()


def has_sent() -> bool:
    """Whether anything waits for its outcome."""
    return ReplayItem.objects.filter(state=ItemState.SENT).exists()
