"""``/lag/groups/{id}/resets``, ``/lag/resets``: set where a group goes on, previewed, applied once, undone."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Field, Path, Router, Schema, Status
from pydantic import ConfigDict

from reliability import access
from reliability.kernel import clock
from reliability.kernel.record import TopicPartition
from reliability.lag import forms
from reliability.lag.api.groups import Id, Instant, Text, reader
from reliability.lag.domain import reset as rules
from reliability.lag.domain import reset_words
from reliability.lag.domain.reset import How, Target
from reliability.lag.domain.reset_file import ROWS_MAX
from reliability.lag.models.resets import State
from reliability.lag.operations import reset_acts
from reliability.lag.queries import groups
from reliability.lag.queries import resets as queries

router = Router(tags=["lag"])

Offset = Annotated[int, Field(ge=0, le=forms.NUMBER_MAX, strict=True)]
Topic = Annotated[str, Field(max_length=249, pattern=r"^[^\x00]*$")]


class _Exact(Schema):
    """Nothing but what it names: a misspelt field is told, never left out."""

    model_config = ConfigDict(extra="forbid")


class ToTime(_Exact):
    """To the first record that is not older."""

    time: Instant


class ToOffset(_Exact):
    """To the same offset in every partition."""

    offset: Offset


class ToShift(_Exact):
    """So many records forward, or back when negative."""

    shift: Annotated[int, Field(ge=-forms.NUMBER_MAX, le=forms.NUMBER_MAX, strict=True)]


class PartitionOffset(_Exact):
    """Where one partition goes on."""

    topic: Topic
    partition: Annotated[int, Field(ge=0, le=2**31 - 1, strict=True)]
    offset: Offset


class ToOffsets(_Exact):
    """To an offset for each partition named."""

    offsets: Annotated[list[PartitionOffset], Field(min_length=1, max_length=ROWS_MAX)]


class ResetRequest(_Exact):
    """What to plan."""

    to: Annotated[
        Literal["earliest", "latest"] | ToTime | ToOffset | ToShift | ToOffsets,
        Field(
            description="Where to go on. What lies beyond a log is drawn to its start or end, and noted.",
            examples=["earliest", {"time": "2026-11-20T03:14:00Z"}, {"offset": 1200}, {"shift": -100},
                      {"offsets": [{"topic": "orders", "partition": 0, "offset": 1200}]}],
        ),
    ]  # fmt: skip
    topics: Annotated[
        list[Topic] | None,
        Field(max_length=10_000, description="Only these of the group's; left out: all that you may see."),
    ] = None


class ApplicationRequest(_Exact):
    """What was looked at, by its hash, and why it is done."""

    hash: Annotated[str, Field(max_length=64, pattern=r"^[^\x00]*$")]
    reason: Annotated[Text, Field(max_length=2_000)]


class LagResetRow(Schema):
    """A partition of a reset. ``after`` null: it is left as it is, ``note`` says why, or ``deleted`` is true."""

    topic: str
    partition: int
    before: int | None
    after: int | None
    start: int | None
    end: int | None
    replayed: int = Field(description="Records that are read again.")
    skipped: int = Field(description="Records that were not read and never will be.")
    note: str
    deleted: bool = Field(description="Its commit is deleted: there was none before the reset that this one undoes.")
    problem: str = Field(description="Why it was not set; empty when it was, or is not yet.")


class LagReset(Schema):
    """A reset: planned, or what became of it. Rows and figures are of the topics that you may see."""

    id: int
    group: int
    group_name: str
    cluster: str
    state: Literal["planned", "applying", "applied", "partly", "refused", "unknown"]
    sentence: str
    to: str = Field(description="Where to, in words.")
    topics: list[str]
    rows: list[LagResetRow]
    rows_hidden: int = Field(description="Partitions of topics that you may not see.")
    replayed: int
    skipped: int
    warnings: list[str]
    forecast: str = Field(description="How long what then waits takes; empty once it is no plan any more.")
    hash: str = Field(description="Send it back to apply exactly this.")
    planned_by: str
    planned_at: datetime
    good_until: datetime
    applied_by: str
    applied_at: datetime | None
    ended_at: datetime | None
    reason: str
    undoes: int | None
    undone_by: int | None


class LagResets(Schema):
    """Resets, the newest first."""

    items: list[LagReset]


@router.post(
    "/lag/groups/{group_id}/resets", response={201: LagReset}, operation_id="plan_lag_reset", summary="Plan a reset"
)
def plan_reset(request: HttpRequest, group_id: Path[Id], asked: ResetRequest) -> Status[LagReset]:
    """Say what a reset would do, partition by partition. Changes nothing; refused while somebody is in the group."""
    made = reset_acts.preview(
        group_id=group_id,
        target=target_of(asked.to),
        topics=asked.topics,
        actor=access.actor_of(request),
        now=clock.SYSTEM.now(),
    )
    return Status(201, _one(request, made.pk))


@router.get(
    "/lag/groups/{group_id}/resets", response=LagResets, operation_id="list_lag_resets", summary="Resets of a group"
)
def list_resets(request: HttpRequest, group_id: Path[Id]) -> LagResets:
    """List the newest resets of a group, at most 20, without previews that are too old to be applied."""
    actor = reader(request)
    groups.one(actor=actor, group_id=group_id)
    found = queries.of_group(actor=actor, group_id=group_id, now=clock.SYSTEM.now())
    return LagResets(items=[shown(seen, actor=actor) for seen in found])


@router.get("/lag/resets/{reset_id}", response=LagReset, operation_id="get_lag_reset", summary="One reset")
def get_reset(request: HttpRequest, reset_id: Path[Id]) -> LagReset:
    """Read a reset: its preview, or what became of each partition."""
    reader(request)
    return _one(request, reset_id)


@router.post(
    "/lag/resets/{reset_id}/application", response=LagReset, operation_id="apply_lag_reset", summary="Apply a reset"
)
def apply_reset(request: HttpRequest, reset_id: Path[Id], asked: ApplicationRequest) -> LagReset:
    """Do what was planned, once, if the group is still as it was; else it is refused and nothing is changed.

    ``state`` says what became of it. ``unknown``: Kafka did not answer; read the reset again in a minute.
    """
    reset_acts.apply(
        reset_id=reset_id,
        seen_hash=asked.hash,
        reason=asked.reason,
        actor=access.actor_of(request),
        now=clock.SYSTEM.now(),
    )
    return _one(request, reset_id)


@router.post(
    "/lag/resets/{reset_id}/undo", response={201: LagReset}, operation_id="plan_lag_reset_undo", summary="Plan an undo"
)
def plan_undo(request: HttpRequest, reset_id: Path[Id]) -> Status[LagReset]:
    """Plan the way back to the commits that an applied reset replaced; apply it like any other."""
    made = reset_acts.preview_undo(reset_id=reset_id, actor=access.actor_of(request), now=clock.SYSTEM.now())
    return Status(201, _one(request, made.pk))


def target_of(to: str | ToTime | ToOffset | ToShift | ToOffsets) -> Target:
    """Return what a request means. Raises ``BadTarget``."""
    match to:
        case ToTime(time=at):
            return forms.at_time(at)
        case ToOffset(offset=offset):
            return Target(how=How.OFFSET, offset=offset)
        case ToShift(shift=shift):
            return Target(how=How.SHIFT, shift=shift)
        case ToOffsets(offsets=listed):
            return Target(how=How.FILE, offsets=_each_once(listed))
        case _:
            return Target(how=How(str(to)))


def shown(seen: queries.Seen, *, actor: access.Actor) -> LagReset:
    """Return a reset as the API shows it to an account."""
    made = seen.made
    done = made.state in (State.APPLIED, State.PARTLY)
    return LagReset(
        id=made.pk,
        group=made.group_id,
        group_name=made.group.name,
        cluster=made.group.cluster_id,
        state=made.state,  # type: ignore[arg-type]  # one of the model's choices
        sentence=reset_words.sentence(group=made.group.name, rows=seen.rows, forget=seen.forget, done=done),
        to=made.target,
        topics=list(seen.topics),
        rows=[_row(row, seen) for row in seen.rows],
        rows_hidden=seen.hidden,
        replayed=seen.replayed,
        skipped=seen.skipped,
        warnings=reset_words.warnings(seen.rows, seen.forget, is_undo=made.undoes_id is not None),
        forecast=queries.forecast(actor=actor, seen=seen, now=clock.SYSTEM.now()),
        hash=made.hash,
        planned_by=made.planned_by,
        planned_at=made.planned_at,
        good_until=made.planned_at + queries.FRESH,
        applied_by=made.applied_by,
        applied_at=made.applied_at,
        ended_at=made.ended_at,
        reason=seen.reason,
        undoes=made.undoes_id,
        undone_by=seen.undone_by.pk if seen.undone_by else None,
    )


def _one(request: HttpRequest, reset_id: int) -> LagReset:
    actor = access.actor_of(request)
    return shown(queries.one(actor=actor, reset_id=reset_id), actor=actor)


def _row(row: rules.Row, seen: queries.Seen) -> LagResetRow:
    problem = seen.outcome.get(f"{row.topic} {row.partition}", "")
    return LagResetRow(**row._asdict(), deleted=row.place in seen.forget, problem=problem)


def _each_once(listed: list[PartitionOffset]) -> dict[TopicPartition, int]:
    found: dict[TopicPartition, int] = {}
    for each in listed:
        place = TopicPartition(each.topic, each.partition)
        if place in found:
            raise rules.BadTarget(f"{place.topic} {place.partition} is named twice.")
        found[place] = each.offset
    return found
