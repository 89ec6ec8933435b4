"""Sets where a group goes on: planned and looked at, applied once, told afterwards, undone as another such change.

Kafka takes part in no transaction of ours. So what was there before and what is wanted is committed first, then Kafka
is told, then what it answered is written down; a process that dies in between leaves a reset that `settle` can tell.
Kafka itself refuses while the group has members, which is the guard that cannot race; ours only explain.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction

from reliability import access, audit, live
from reliability.kafka import ports
from reliability.kernel import failpoint
from reliability.kernel.errors import Refused
from reliability.kernel.record import TopicPartition
from reliability.lag.domain import reset as rules
from reliability.lag.domain.reset import Row, Target
from reliability.lag.models import Event, Group, Reset
from reliability.lag.models.events import Kind
from reliability.lag.models.resets import State

FRESH = timedelta(minutes=15)
"""A plan that was looked at longer ago is about another log."""
SETTLE_AFTER = timedelta(seconds=60)
"""No order to Kafka takes that long: whoever was applying this is gone."""
NOTE = "mainstay reset {id}"
_UNTOLD = (State.APPLYING, State.UNKNOWN)


class Forbidden(Refused):
    """This group cannot be reset now."""

    code = "reset-forbidden"

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


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


def plan(
    *, group: Group, target: Target, words: str, topics: Collection[str], actor: access.Actor, admin: ports.GroupAdmin,
    now: datetime, undoes: Reset | None = None, forget: Collection[TopicPartition] = (),
) -> Reset:  # fmt: skip
    """Read where the group is and plan where it goes on, for its partitions of ``topics``. Changes nothing in Kafka.

    Raises ``access.Denied``, ``ports.Unavailable``, ``Forbidden``, ``NothingToReset``.
    """
    access.authorize(actor, "lag.reset", topics=topics)
    listing, found = _listing(group, admin), _read(group, admin)
    made = rules.plan(target, _positions(found, target, topics, admin))
    _refuse_unless_idle(listing, found, group, admin)
    if not made.changed and not forget:
        raise NothingToReset
    return Reset.objects.create(
        group=group,
        undoes=undoes,
        how=target.how.value,
        target=words,
        topics=sorted(topics),
        rows=[list(row) for row in made.rows],
        forget=[list(place) for place in forget],
        hash=made.hash,
        replayed=made.replayed,
        skipped=made.skipped,
        planned_by=actor.name,
        planned_at=now,
    )


def plan_undo(*, reset: Reset, actor: access.Actor, admin: ports.GroupAdmin, now: datetime) -> Reset:
    """Plan the way back to the commits that a reset replaced. Raises what ``plan`` raises, and ``PlanUsed``."""
    if Reset.objects.filter(undoes=reset).exclude(state=State.PLANNED).exists():
        raise PlanUsed("This reset was undone already.")
    Reset.objects.filter(undoes=reset, state=State.PLANNED).delete()
    back = rules.undo(rows_of(reset))
    target = Target(how=rules.How.FILE, offsets=back.offsets) if back.offsets else Target(how=rules.How.EARLIEST)
    return plan(
        group=reset.group,
        target=target,
        words=f"what was there before reset {reset.pk}",
        topics=reset.topics if back.offsets else (),
        actor=actor,
        admin=admin,
        now=now,
        undoes=reset,
        forget=back.forget,
    )


def apply(
    *, reset_id: int, seen_hash: str, reason: str, actor: access.Actor, admin: ports.GroupAdmin, now: datetime
) -> Reset:
    """Do what was previewed, if the group is still as it was previewed; audited.

    Raises ``PlanUsed``, ``PlanOld``, ``PlanChanged``, ``Forbidden``, ``Busy``, ``access.Denied``,
    ``audit.ReasonRequired``, ``ports.Unavailable``.
    """
    made = Reset.objects.select_related("group").get(pk=reset_id)
    rows = rows_of(made)
    facts = {"reset": made.pk, "replayed": made.replayed, "skipped": made.skipped, "to": made.target}
    try:
        with audit.action(
            "lag.reset", actor=actor, target=f"group:{made.group.pk}", reason=reason, topics=made.topics, facts=facts
        ):
            _refuse_stale(made, rows, seen_hash, now)
            found = _read(made.group, admin)
            _refuse_unless_idle(_listing(made.group, admin), found, made.group, admin)
            if rules.drifted(rows, found):
                raise PlanChanged
            begun = Reset.objects.filter(pk=made.pk, state=State.PLANNED).update(
                state=State.APPLYING, applied_by=actor.name, applied_at=now, reason=reason
            )
            if not begun:
                raise PlanUsed
    except IntegrityError:
        raise Busy from None
    failpoint.reach("lag.reset_begun")
    problems = _tell_kafka(made, rows, admin)
    failpoint.reach("lag.reset_told")
    return _end(made, rows, problems, now=now)


def settle(*, cluster: str, admin: ports.GroupAdmin, now: datetime) -> int:
    """Tell what became of resets whose process died, or that Kafka did not answer; return how many there were."""
    left = Reset.objects.select_related("group").filter(
        group__cluster=cluster, state__in=_UNTOLD, applied_at__lt=now - SETTLE_AFTER
    )
    for made in left:
        rows = [row for row in rows_of(made) if row.changes]
        found = _read(made.group, admin)
        missed = {row.place: "was not set before the process died" for row in rows if found.get(row.place) != row.after}
        _end(made, rows, {row.place: missed.get(row.place) for row in rows}, now=now)
    return len(left)


def rows_of(made: Reset) -> list[Row]:
    """Return the rows of a reset, in order."""
    return [Row(*each) for each in made.rows]


def _listing(group: Group, admin: ports.GroupAdmin) -> ports.GroupListing:
    for each in admin.groups():
        if each.name == group.name:
            return each
    raise Forbidden(["The cluster knows no such group any more: it was deleted, or its commits expired."])


def _read(group: Group, admin: ports.GroupAdmin) -> dict[TopicPartition, int]:
    found = admin.commits([group.name])[group.name]
    if isinstance(found, ports.Problem):
        raise Forbidden([f"Its commits cannot be read ({found.message}): mend this first."])
    return dict(found)


def _positions(
    found: Mapping[TopicPartition, int], target: Target, topics: Collection[str], admin: ports.GroupAdmin
) -> list[rules.Position]:
    wanted = set(target.offsets) if target.how is rules.How.FILE else set()
    layout = admin.layout()
    places = {place for place in [*found, *wanted] if place.topic in topics and place in layout}
    starts, ends = admin.starts(places), admin.ends(places, stable=True)
    at_time = admin.first_since(places, timestamp_ms=target.time_ms or 0) if target.how is rules.How.TIME else {}
    return [
        _position(place, found.get(place), starts.get(place), ends.get(place), at_time.get(place)) for place in places
    ]


def _position(
    place: TopicPartition,
    committed: int | None,
    start: int | ports.Problem | None,
    end: int | ports.Problem | None,
    at_time: int | ports.Problem | None,
) -> rules.Position:
    problem = next((each.message for each in (start, end, at_time) if isinstance(each, ports.Problem)), "")
    first, last, timed = (each if isinstance(each, int) else None for each in (start, end, at_time))
    return rules.Position(place, committed, first, last, timed, problem)


def _refuse_unless_idle(
    listing: ports.GroupListing, found: Mapping[TopicPartition, int], group: Group, admin: ports.GroupAdmin
) -> None:
    described = admin.describe([listing])[listing.name]
    problems = [f"Its members cannot be read ({described.message})"] if isinstance(described, ports.Problem) else []
    count = 0 if isinstance(described, ports.Problem) else len(described.members)
    state = listing.state if isinstance(described, ports.Problem) else described.state
    # A commit that moved although the group was empty then and is now: somebody reads without being a member.
    was = {TopicPartition(row[0], row[1]): row[4] for row in group.rows} if group.empty_since else {}
    moving = [place for place, committed in found.items() if was.get(place) is not None and was[place] != committed]
    if moving and Reset.objects.filter(group=group, ended_at__gt=group.polled_at).exists():
        moving = []  # it was us
    reasons = rules.guards(state=state, members=count, moving=moving, problems=problems)
    if reasons:
        raise Forbidden(reasons)


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
    forget = [TopicPartition(*place) for place in made.forget]
    try:
        answers = admin.commit(made.group.name, offsets, note=NOTE.format(id=made.pk)) if offsets else {}
        answers |= admin.forget(made.group.name, forget) if forget else {}
    except (ports.Unavailable, ports.Unsupported) as error:
        return dict.fromkeys([*offsets, *forget], f"no answer: {error}")
    return {place: None if problem is None else problem.message for place, problem in answers.items()}


def _end(made: Reset, rows: list[Row], problems: Mapping[TopicPartition, str | None], *, now: datetime) -> Reset:
    failed = {place: problem for place, problem in problems.items() if problem is not None}
    state = _state(problems, failed)
    with transaction.atomic():
        Reset.objects.filter(pk=made.pk, state__in=_UNTOLD).update(
            state=state,
            outcome={f"{place.topic} {place.partition}": problem for place, problem in failed.items()},
            ended_at=now,
        )
        Event.objects.create(
            group=made.group,
            at=now,
            kind=Kind.RESET,
            status="prog" if state == State.APPLIED else "crit",
            text=f"set to {made.target}: {State(state).label}",
            facts={"reset": made.pk},
        )
    live.changed("lag")
    made.refresh_from_db()
    return made


def _state(problems: Mapping[TopicPartition, str | None], failed: Mapping[TopicPartition, str]) -> State:
    if not failed:
        return State.APPLIED
    if any(problem.startswith("no answer") for problem in failed.values()):
        return State.UNKNOWN
    return State.REFUSED if len(failed) == len(problems) else State.PARTLY
