"""Sets where a group goes on: planned and looked at, applied once, told afterwards, undone as another such change.

Kafka takes part in no transaction of ours. So what was there before and what is wanted is committed first, then Kafka
is told, then what it answered is written down; a process that dies in between leaves a reset that `settle` can tell.
Kafka itself refuses while the group has members, which is the guard that cannot race; ours only explain.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from reliability import access, audit, live
from reliability.kafka import ports
from reliability.kernel import clock, failpoint
from reliability.kernel.errors import Refused
from reliability.kernel.record import TopicPartition
from reliability.lag.domain import reset as rules
from reliability.lag.domain.reset import Row, Target
from reliability.lag.models import Event, Group, Reset
from reliability.lag.models.events import Kind
from reliability.lag.models.resets import State
from reliability.lag.operations import reset_looks as looks
from reliability.lag.operations.reset_looks import Forbidden
from reliability.lag.queries import history
from reliability.lag.queries.resets import FRESH

SETTLE_AFTER = {State.APPLYING: timedelta(seconds=60), State.UNKNOWN: timedelta(seconds=15)}
"""No order to Kafka takes a minute: whoever was applying this is gone. Who says that it got no answer waits no more."""
NOTE = "mainstay reset {id}"
NO_ANSWER = "no answer"
MOVED = "its commits moved on since, so it cannot be told"
_UNTOLD = (State.APPLYING, State.UNKNOWN)


class PlanChanged(Refused):
    """The group's commits are not what they were when this was previewed: preview again."""

    code = "plan-changed"


class PlanUsed(Refused):
    """This reset was applied already."""

    code = "plan-used"


class PlanOld(Refused):
    """This preview is older than a quarter of an hour: preview again."""

    code = "plan-old"


class Busy(Refused):
    """Another reset of this group is being applied: wait for it, then preview again."""

    code = "reset-busy"


class NothingToReset(Refused):
    """Every partition is already there: nothing would change."""

    code = "nothing-to-reset"


class NotApplied(Refused):
    """Only a reset that was applied can be undone, and this one was not."""

    code = "not-applied"


def plan(
    *, group: Group, target: Target, words: str, topics: Collection[str], actor: access.Actor, admin: ports.GroupAdmin,
    now: datetime,
) -> Reset:  # fmt: skip
    """Read where the group is and plan where it goes on, for its partitions of ``topics``. Changes nothing in Kafka.

    Raises ``access.Denied``, ``ports.Unavailable``, ``Forbidden``, ``NothingToReset``.
    """
    access.authorize(actor, "lag.reset", topics=topics)
    listing, found = looks.listing(group, admin), looks.commits(group, admin)
    rows = rules.plan(target, looks.positions(found, target, topics, admin)).rows
    looks.refuse_unless_idle(listing, found, group, admin, topics=topics)
    made = Reset(group=group, how=target.how.value, target=words, topics=sorted(topics))
    return _keep(made, rows, actor=actor, now=now)


def plan_undo(*, reset: Reset, actor: access.Actor, admin: ports.GroupAdmin, now: datetime) -> Reset:
    """Plan the way back to the commits that a reset replaced.

    Raises what ``plan`` raises, and ``NotApplied``, ``PlanUsed``.
    """
    access.authorize(actor, "lag.reset", topics=reset.topics)
    if reset.state not in (State.APPLIED, State.PARTLY):
        raise NotApplied
    if Reset.objects.filter(undoes=reset, state__in=(*_UNTOLD, State.APPLIED)).exists():
        raise PlanUsed("This reset was undone already.")
    listing, found = looks.listing(reset.group, admin), looks.commits(reset.group, admin)
    back = _way_back(reset)
    rows = list(rules.forgetting(back.forget, found))
    if back.offsets:
        target = Target(how=rules.How.FILE, offsets=back.offsets)
        rows += rules.plan(target, looks.positions(found, target, reset.topics, admin)).rows
    looks.refuse_unless_idle(listing, found, reset.group, admin, topics=reset.topics)
    made = Reset(
        group=reset.group,
        undoes=reset,
        how=rules.How.FILE.value,
        target=f"what was there before reset {reset.pk}",
        topics=reset.topics,
        forget=[list(place) for place in back.forget if place in found],
    )
    return _keep(made, sorted(rows, key=lambda row: row.place), actor=actor, now=now)


def _keep(made: Reset, rows: Collection[Row], *, actor: access.Actor, now: datetime) -> Reset:
    """Store a plan. An undo takes the place of one that was only looked at, or that Kafka refused."""
    if not any(row.changes for row in rows) and not made.forget:
        raise NothingToReset(rules.nothing_in_words(rows))
    made.rows = [list(row) for row in rows]
    made.hash = rules.hash_of(rows)
    made.replayed, made.skipped = sum(row.replayed for row in rows), sum(row.skipped for row in rows)
    made.planned_by, made.planned_at = actor.name, now
    try:
        with transaction.atomic():
            if made.undoes is not None:
                earlier = Reset.objects.filter(undoes=made.undoes)
                # Locked first: one that is being applied meanwhile is none that was only looked at.
                looked_at = earlier.filter(state=State.PLANNED).select_for_update().values_list("pk", flat=True)
                Reset.objects.filter(pk__in=list(looked_at)).delete()
                earlier.filter(state__in=(State.REFUSED, State.PARTLY)).update(undoes=None)
            made.save()
    except IntegrityError:
        raise Busy from None
    return made


def apply(
    *, reset_id: int, seen_hash: str, reason: str, actor: access.Actor, admin: ports.GroupAdmin, now: datetime
) -> Reset:
    """Do what was previewed, if the group is still as it was previewed; audited.

    Raises ``PlanUsed``, ``PlanOld``, ``PlanChanged``, ``Forbidden``, ``Busy``, ``access.Denied``,
    ``audit.ReasonRequired``, ``ports.Unavailable``.
    """
    began_s = clock.SYSTEM.monotonic()
    made = Reset.objects.select_related("group").get(pk=reset_id)
    rows = rows_of(made)
    about = history.target(made.group.pk)
    facts = {"reset": made.pk, "replayed": made.replayed, "skipped": made.skipped, "to": made.target}
    with audit.action("lag.reset", actor=actor, target=about, reason=reason, topics=made.topics, facts=facts):
        _refuse_stale(made, rows, seen_hash, now)
        _begin(made, actor=actor, reason=reason, now=now)
        found = looks.commits(made.group, admin)
        listing = looks.listing(made.group, admin)
        looks.refuse_unless_idle(listing, found, made.group, admin, topics=made.topics)
        if rules.drifted(rows, found, forget=_forgotten(made)):
            raise PlanChanged
    failpoint.reach("lag.reset_begun")
    problems = _tell_kafka(made, rows, admin)
    failpoint.reach("lag.reset_told")
    return _end(made, problems, now=now + timedelta(seconds=clock.SYSTEM.monotonic() - began_s))


def _begin(made: Reset, *, actor: access.Actor, reason: str, now: datetime) -> None:
    """Take the group's one place for a reset that is being applied; whoever else wants it waits for this transaction.

    Before the last look, not after it: another reset that ended in between would not be seen.
    """
    try:
        with transaction.atomic():
            begun = Reset.objects.filter(pk=made.pk, state=State.PLANNED).update(
                state=State.APPLYING, applied_by=actor.name, applied_at=now, reason=reason
            )
    except IntegrityError:
        raise Busy from None
    if not begun:
        raise PlanUsed
    if any(map(_is_unanswered, Reset.objects.filter(group=made.group, state=State.UNKNOWN))):
        raise Busy("Kafka has not answered another reset of this group: what became of it is told in a moment.")


def settle(*, cluster: str, admin: ports.GroupAdmin, now: datetime) -> int:
    """Tell what became of resets whose process died, or that Kafka did not answer; return how many were told."""
    due = [Q(state=state, applied_at__lt=now - after) for state, after in SETTLE_AFTER.items()]
    left = Reset.objects.select_related("group").filter(due[0] | due[1], group__cluster=cluster)
    told = 0
    for made in left:
        try:
            found = looks.commits(made.group, admin)
        except Forbidden:  # it stays not known; the others are told
            continue
        if made.state == State.UNKNOWN and not _is_unanswered(made):
            continue  # as much is known of it as ever will be
        rows = rows_of(made)
        before = {row.place: row.before for row in rows}
        wanted = _wanted(rows) | dict.fromkeys(_forgotten(made), None)
        _end(
            made,
            {place: _became(found.get(place), before.get(place), after) for place, after in wanted.items()},
            now=now,
        )
        told += 1
    return told


def _became(found: int | None, before: int | None, after: int | None) -> str | None:
    """What became of an order that nobody answered, by the commit that stands there now."""
    if found == after:
        return None
    return "was not set" if found == before else MOVED


def _is_unanswered(made: Reset) -> bool:
    return made.state == State.UNKNOWN and any(why.startswith(NO_ANSWER) for why in made.outcome.values())


def _way_back(reset: Reset) -> rules.Undo:
    """What takes a reset back; an undo may have deleted commits, and they are set again."""
    rows, forgotten = rows_of(reset), set(_forgotten(reset))
    deleted = {row.place: row.before for row in rows if row.place in forgotten and row.before is not None}
    back = rules.undo(rows)
    return back._replace(offsets={**back.offsets, **deleted})


def rows_of(made: Reset) -> list[Row]:
    """Return the rows of a reset, in order."""
    return [Row(*each) for each in made.rows]


def _wanted(rows: Collection[Row]) -> dict[TopicPartition, int | None]:
    return {row.place: row.after for row in rows if row.changes}


def _forgotten(made: Reset) -> list[TopicPartition]:
    return [TopicPartition(*place) for place in made.forget]


def _refuse_stale(made: Reset, rows: list[Row], seen_hash: str, now: datetime) -> None:
    if made.state != State.PLANNED:
        raise PlanUsed
    if seen_hash != made.hash or rules.hash_of(rows) != made.hash:
        raise PlanChanged("This is not what was previewed: preview again.")
    if now - made.planned_at > FRESH:
        raise PlanOld


def _tell_kafka(made: Reset, rows: list[Row], admin: ports.GroupAdmin) -> dict[TopicPartition, str | None]:
    """Give the order; return why a partition was not set, by partition. No answer is "not known", not "not done"."""
    offsets = {row.place: row.after for row in rows if row.changes and row.after is not None}
    forget = _forgotten(made)
    try:
        answers = admin.commit(made.group.name, offsets, note=NOTE.format(id=made.pk)) if offsets else {}
        answers |= admin.forget(made.group.name, forget) if forget else {}
    except (ports.Unavailable, ports.Unsupported) as error:
        return dict.fromkeys([*offsets, *forget], f"{NO_ANSWER}: {error}")
    return {place: None if problem is None else _why(problem) for place, problem in answers.items()}


def _why(problem: ports.Problem) -> str:
    """A connection that broke after the order was sent tells nothing of whether it was followed."""
    return f"{NO_ANSWER}: {problem.message}" if problem.code == "unavailable" else problem.message


def _end(made: Reset, problems: Mapping[TopicPartition, str | None], *, now: datetime) -> Reset:
    failed = {place: problem for place, problem in problems.items() if problem is not None}
    state = _state(problems, failed)
    with transaction.atomic():
        told = Reset.objects.filter(pk=made.pk, state__in=_UNTOLD).update(
            state=state,
            outcome={f"{place.topic} {place.partition}": problem for place, problem in failed.items()},
            ended_at=now,
        )
        if told:
            Event.objects.create(
                group=made.group,
                at=now,
                kind=Kind.RESET,
                status="prog" if state == State.APPLIED else "crit",
                text=f"reset to {made.target}: {State(state).label}",
                facts={"reset": made.pk, "topics": made.topics},
            )
    live.changed("lag")
    made.refresh_from_db()
    return made


def _state(problems: Mapping[TopicPartition, str | None], failed: Mapping[TopicPartition, str]) -> State:
    if not failed:
        return State.APPLIED
    if any(problem.startswith((NO_ANSWER, MOVED)) for problem in failed.values()):
        return State.UNKNOWN
    return State.REFUSED if len(failed) == len(problems) else State.PARTLY
