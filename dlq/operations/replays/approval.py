"""Approving a plan: its letters are claimed and the run begins, in one transaction with its audit entry."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from dlq.domain.item import ItemState
from dlq.domain.plan import Kind
from dlq.domain.run import RunState
from dlq.models import Replay, ReplayPlan
from dlq.models.letters import State
from dlq.operations import items, standing
from dlq.queries import holding
from dlq.queries import replays as queries
from reliability import access, audit
from reliability.kafka import group_names
from reliability.kafka.incoming import ATTEMPT_MAX
from reliability.kernel import text
from reliability.kernel.errors import Refused
from reliability.kernel.telemetry import tracing

REASON_CHARS_MAX = 2_000


class PlanChanged(Refused):
    """The hash is not this plan's: look at the plan again and approve what it says now."""

    code = "plan-changed"


class PlanExpired(Refused):
    """The plan has expired: make a new one, because the letters may have changed since."""

    code = "plan-expired"


class NothingLeft(Refused):
    """None of the plan's letters is free any more."""

    code = "nothing-left"


class AlreadyApproved(Refused):
    """The plan was approved already."""

    code = "already-approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """The run of a plan. ``created`` is False when the plan had been approved before: a second click starts nothing."""

    replay: Replay
    created: bool


def approve(*, plan_id: int, plan_hash: str, reason: str, actor: access.Actor, now: datetime) -> Approval:
    """Start the run of a plan; the same plan approved again gives the same run.

    Letters that another run claimed, or that were discarded or resolved meanwhile, are skipped and counted. Raises
    ``NoSuchPlan``, ``PlanChanged``, ``PlanExpired``, ``NothingLeft``, ``access.Denied`` and ``audit.ReasonRequired``.
    """
    with audit.admitted("letters.replay", actor=actor, target=f"plan:{plan_id}"):
        plan = queries.visible_plan(plan_id, actor=actor)
        if not plan.total:
            raise NothingLeft("The plan has no letter to send.")
    facts = {"plan": plan.pk, "hash": plan.hash, "letters": plan.total, "rate": plan.rate, "target": plan.target}
    try:
        with audit.action(
            "letters.replay", actor=actor, target=f"plan:{plan.pk}", reason=reason, topics=plan.topics, facts=facts
        ) as entry:
            if "quarantined" in plan.include:
                access.authorize(actor, "letters.quarantine", topics=plan.topics)
            run = _start(plan_id, plan_hash=plan_hash, reason=reason, actor=actor, now=now)
            entry.target = f"replay:{run.pk}"
            entry.facts |= {"claimed": run.total, "skipped": run.skipped}
    except AlreadyApproved:
        return Approval(replay=Replay.objects.get(plan_id=plan_id), created=False)
    return Approval(replay=run, created=True)


def _start(plan_id: int, *, plan_hash: str, reason: str, actor: access.Actor, now: datetime) -> Replay:
    plan = ReplayPlan.objects.select_for_update().defer("letter_ids").get(pk=plan_id)
    if not hmac.compare_digest(plan.hash.encode(), plan_hash.encode()):
        raise PlanChanged
    if Replay.objects.filter(plan=plan).exists():
        raise AlreadyApproved
    if plan.expires_at <= now:
        raise PlanExpired
    run = Replay.objects.create(
        plan=plan,
        plan_hash=plan.hash,
        state=RunState.RUNNING,
        reason=text.printable(reason.strip(), limit=REASON_CHARS_MAX),
        actor=actor.shown,
        scope=plan.scope,
        target=plan.target,
        topics=plan.topics,
        rate=plan.rate,
        failed_limit=plan.failed_limit,
        total=0,
        created_at=now,
        paced_at=now,
    )
    with tracing.span("dlq.replay.approve", attributes={"replay": run.pk, "letters": plan.total, tracing.ALWAYS: True}):
        claimed = _claim(plan, run)
        if not claimed:
            raise NothingLeft
        standing.stand(claimed, to=State.REPLAYING, now=now, sources=holding.free_states(plan))
    run.total, run.skipped = len(claimed), plan.total - len(claimed)
    run.counts = {ItemState.PLANNED.value: run.total}
    run.save()
    items.wake(run, by=actor.name)
    return run


# The rows are locked before they are looked at again, in order of id as everywhere: of two operators at once each
# letter has one winner, and the other one's INSERT does not see it as free. The unique claim is the last resort.
_LOCK = """
SELECT count(*) FROM (
    SELECT 1 FROM dlq_letter
    WHERE id = ANY((SELECT letter_ids FROM dlq_replayplan WHERE id = %(plan)s)::bigint[])
    ORDER BY id FOR UPDATE
) AS locked
"""
_INSERT = """
INSERT INTO dlq_replayitem (replay_id, letter_id, position, state, event_id, consumer_group, message_id, attempt,
                            order_partition, order_offset, sent_topic, sent_sha256, proof, refused, error)
SELECT %(run)s, letter.id, row_number() OVER (ORDER BY planned.place), 'planned', gen_random_uuid(),
       CASE WHEN %(names_group)s AND length(letter.consumer_group) <= %(group_chars_max)s
                 AND btrim(letter.consumer_group, %(blanks)s) = letter.consumer_group
            THEN letter.consumer_group ELSE '' END,
       CASE WHEN letter.message_id <> '' THEN letter.message_id
            ELSE letter.topic || '/' || letter.partition || '/' || letter."offset" END,
       LEAST(GREATEST(COALESCE(letter.attempt, 1), COALESCE(earlier.attempt, 0)), %(attempt_max)s - 1) + 1,
       COALESCE(root.order_partition, letter.origin_partition), COALESCE(root.order_offset, letter.origin_offset),
       '', '', '', false, ''
FROM dlq_replayplan AS plan,
     unnest(plan.letter_ids) WITH ORDINALITY AS planned (id, place)
     JOIN dlq_letter AS letter ON letter.id = planned.id
     LEFT JOIN LATERAL (SELECT max(attempt) AS attempt FROM dlq_replayitem
                        WHERE letter_id = letter.id) AS earlier ON true
     LEFT JOIN LATERAL (SELECT order_partition, order_offset FROM dlq_replayitem WHERE new_letter_id = letter.id
                        ORDER BY id DESC LIMIT 1) AS root ON true
WHERE plan.id = %(plan)s AND letter.state = ANY(%(free)s) AND letter.duplicate_of_id IS NULL
ON CONFLICT DO NOTHING
RETURNING letter_id
"""


def _claim(plan: ReplayPlan, run: Replay) -> list[int]:
    """Make an item of every letter of the plan that is still free; return those letters' ids."""
    names_group = plan.target["kind"] != Kind.TOPIC
    values = {"plan": plan.pk, "run": run.pk, "free": list(holding.free_states(plan)), "names_group": names_group}
    values["attempt_max"] = ATTEMPT_MAX
    values |= {"group_chars_max": group_names.CHARS_MAX, "blanks": group_names.BLANKS}
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, values)
        cursor.execute(_INSERT, values)
        return [row[0] for row in cursor.fetchall()]
