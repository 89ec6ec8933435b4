"""Resets as every entrance does them: who may, which group, which topics, and a client made for the one act."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from reliability import access, audit
from reliability.lag.domain import reset_words
from reliability.lag.domain.reset import BadTarget, How, Target
from reliability.lag.models import Group, Reset
from reliability.lag.operations import reset_looks as looks
from reliability.lag.operations import resets
from reliability.lag.queries import groups, history
from reliability.lag.queries import resets as queries
from reliability.lag.queries.rows import Row

ACT = "lag.reset"


def preview(
    *, group_id: int, target: Target, topics: Collection[str] | None, actor: access.Actor, now: datetime
) -> Reset:
    """Plan a reset of these topics of a group; None: of all that the account may see. Changes nothing in Kafka.

    Raises ``access.Denied``, ``groups.NoSuchGroup``, ``BadTarget``, ``looks.ClusterSilent`` and what
    ``resets.plan`` refuses.
    """
    with audit.admitted(ACT, actor=actor, target=history.target(group_id)):
        row, group, *_ = groups.one(actor=actor, group_id=group_id)
    chosen = _topics(row, target, topics, actor)
    with looks.asking(group.cluster_id) as admin:
        return resets.plan(
            group=group,
            target=target,
            words=reset_words.named(target),
            topics=chosen,
            actor=actor,
            admin=admin,
            now=now,
        )


def apply(*, reset_id: int, seen_hash: str, reason: str, actor: access.Actor, now: datetime) -> Reset:
    """Do what was previewed. Raises ``queries.NoSuchReset`` and what ``resets.apply`` refuses."""
    made = _visible(reset_id, actor)
    with looks.asking(_cluster(made)) as admin:
        return resets.apply(reset_id=made.pk, seen_hash=seen_hash, reason=reason, actor=actor, admin=admin, now=now)


def preview_undo(*, reset_id: int, actor: access.Actor, now: datetime) -> Reset:
    """Plan the way back from a reset. Raises ``queries.NoSuchReset`` and what ``resets.plan_undo`` refuses."""
    made = _visible(reset_id, actor)
    with audit.admitted(ACT, actor=actor, target=history.target(made.group_id)):
        access.authorize(actor, ACT, topics=made.topics)
    with looks.asking(_cluster(made)) as admin:
        return resets.plan_undo(reset=made, actor=actor, admin=admin, now=now)


def _visible(reset_id: int, actor: access.Actor) -> Reset:
    with audit.admitted(ACT, actor=actor, target=f"reset:{reset_id}"):
        return queries.one(actor=actor, reset_id=reset_id).made


def _cluster(made: Reset) -> str:
    group: Group = made.group
    return str(group.cluster_id)


def _topics(row: Row, target: Target, asked: Collection[str] | None, actor: access.Actor) -> set[str]:
    """A file names its own topics, also such as the group never read; everything else is of the group's."""
    if target.how is How.FILE:
        named = {place.topic for place in target.offsets}
        allowed = access.visible_topics(actor)
        hidden = sorted(topic for topic in named if not allowed.allows(topic))
        if hidden:
            raise BadTarget(f"The file names {hidden[0]}, a topic outside those that you may see.")
        others = sorted(named - set(asked)) if asked is not None else []
        if others:
            raise BadTarget(f"The file names {others[0]}, which is none of the topics that you chose.")
        return named
    chosen = set(row.topics if asked is None else asked)
    if asked is not None and not chosen:
        raise BadTarget("Choose at least one topic.")
    unknown = sorted(chosen - set(row.topics))
    if unknown:
        raise BadTarget(f"{row.name} has no commit in the topic {unknown[0]!r} that you may see.")
    return chosen
