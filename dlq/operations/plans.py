"""Drawing a replay plan: look at the letters and at Kafka, count, freeze. Nothing is sent."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from dlq.domain import outcome, ramp, strip
from dlq.domain import plan as plans
from dlq.domain import run as runs
from dlq.domain.plan import Kind, Leaving, Tally, Target, Terms, World
from dlq.domain.scope import Scope
from dlq.models import ReplayPlan, TopicShape
from dlq.operations import policy
from dlq.queries import cluster, inboxes, limits, scopes, sources
from outbox.operations import limits as outbox_limits
from reliability import access, audit
from reliability.kafka import clusters
from reliability.kernel.errors import Refused

_TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")
PLANS_KEPT = timedelta(days=1)
"""Expired plans without a run are swept after this."""


class BadPlan(Refused):
    """The plan's target, rate or limit is not possible."""

    code = "bad-plan"
    status = 422


def terms(
    *,
    target: Mapping[str, str] | str | None = None,
    rate: float | None = None,
    failed_limit: float | None = runs.FAILED_LIMIT,
    include: Iterable[str] = (),
) -> Terms:
    """Read what an operator chose; raise ``BadPlan``. ``target`` is a kind or {"kind": ..., "topic": ...}."""
    included = frozenset(include)
    if unknown := included - plans.INCLUDES:
        raise BadPlan(f"include takes {', '.join(sorted(plans.INCLUDES))}, not {', '.join(sorted(unknown))}.")
    if failed_limit is not None and not 0 <= failed_limit <= 1:
        raise BadPlan("failed_limit is the share of failures that stops the run: from 0 to 1, or null for never.")
    return Terms(
        target=_target(target),
        rate=checked_rate(ramp.RATE_DEFAULT if rate is None else rate),
        failed_limit=failed_limit,
        include=included,
    )


def checked_rate(rate: float) -> float:
    """Return a rate that is possible, in items per second; raise ``BadPlan``."""
    least = 0.001  # one item in a quarter of an hour; with less a run's duration is no number any more
    if not math.isfinite(rate) or not least <= rate <= ramp.RATE_MAX:
        raise BadPlan(f"rate is at least {least} and at most {ramp.RATE_MAX:.0f} items per second.")
    return float(rate)


def _target(value: Mapping[str, str] | str | None) -> Target:
    given = {"kind": value} if isinstance(value, str) else dict(value or {"kind": Kind.ORIGIN})
    try:
        kind = Kind(given.get("kind", ""))
    except ValueError:
        raise BadPlan('target is {"kind": "origin"}, {"kind": "topic", "topic": ...} or {"kind": "group"}.') from None
    topic = given.get("topic", "") if kind is Kind.TOPIC else ""
    if kind is Kind.TOPIC and not topic:
        raise BadPlan("target names no topic.")
    if topic and not _TOPIC_NAME.fullmatch(topic):
        raise BadPlan("A topic's name has up to 249 letters, digits, '.', '_' and '-'.")
    return Target(kind=kind, topic=topic)


def draw(*, scope: Scope, terms: Terms, actor: access.Actor, now: datetime) -> ReplayPlan:
    """Return a new plan of ``scope``; raises ``access.Denied``, ``TooMany``, ``BadScope``, ``NoSuchLetter``,
    ``NoSuchGroup``, ``NoSuchReplay``, ``TooSlow``.

    Ids that name no letter which the actor may see are counted and left out. Kafka is asked for seconds at
    most; when it does not answer the plan says what is therefore not known. All looks at letters have one limit of
    time together.
    """
    _admit(actor, scope, terms)
    with limits.in_all(limits.SCOPE_S):
        return _draw(scope, terms, actor, now=now)


def _draw(scope: Scope, terms: Terms, actor: access.Actor, *, now: datetime) -> ReplayPlan:
    scopes.check_named(scope, actor=actor)
    visible = access.visible_topics(actor)
    origins = scopes.origin_topics(scope, visible=visible)
    partitions = cluster.topics(wanted=(origins | {terms.target.topic}) - {""})
    if partitions is not None:
        _observe(origins, partitions, now=now)
    candidates = list(scopes.candidates(scope, visible=visible))
    destinations = {terms.target.topic_of(letter.origin_topic) for letter in candidates}
    world = World(
        partitions=partitions,
        limits={topic: outbox_limits.of(topic) for topic in destinations},
        dead_letter_topics=_dead_letter_topics(destinations),
    )
    counts = plans.tally(candidates, terms=terms, world=world, now=now)
    counts.leaving[Leaving.NOT_THERE] = len(scopes.absent(scope, visible=visible))
    readers = cluster.readers(set(counts.by_topic)) if partitions is not None else None
    ids = counts.ids
    foreign = {} if terms.target.kind is Kind.TOPIC else inboxes.unreadable(ids)
    notices = [*plans.notices(counts, terms=terms, world=world, readers=readers), *_without_proof(foreign)]
    return ReplayPlan.objects.create(
        hash=plans.content_hash(ids=ids, terms=terms, strip_rules=strip.rules_digest()),
        scope=scope.as_json(),
        target=terms.target.as_json(),
        rate=terms.rate,
        failed_limit=terms.failed_limit,
        include=sorted(terms.include),
        letter_ids=ids,
        total=len(ids),
        counts=_counts(counts, terms, duplicates=scopes.duplicates(scope, visible=visible), has_no_proof=bool(foreign)),
        warnings=[notice.as_json() for notice in notices],
        topics=sorted(counts.origin_topics | ({terms.target.topic} - {""})),
        created_by=actor.shown,
        created_at=now,
        expires_at=now + plans.LIFETIME,
    )


def _without_proof(foreign: Mapping[str, int]) -> list[plans.Notice]:
    """Say before the approval what cannot be known of these groups, and that their canaries protect less."""
    if not foreign:
        return []
    named = ", ".join(list(foreign)[:5]) + (f" and {len(foreign) - 5} more" if len(foreign) > 5 else "")
    text = (
        f"are handled by {named}, whose inbox is not ours to read: no proof, outcomes take a minute and longer, "
        f"canaries wait at most {policy.canary_patience_s():g} s"
    )
    return [plans.Notice(code="no-inbox", count=sum(foreign.values()), text=text)]


def _dead_letter_topics(destinations: Iterable[str]) -> frozenset[str]:
    """Return those of ``destinations`` that we read ourselves: what is sent there comes back as letters."""
    pattern = re.compile(sources.topic_pattern())
    return frozenset(topic for topic in destinations if pattern.fullmatch(topic))


def forget_expired(*, now: datetime) -> int:
    """Delete plans that nobody approved and that expired long ago; return how many."""
    deleted, _ = ReplayPlan.objects.filter(expires_at__lt=now - PLANS_KEPT, replay__isnull=True).delete()
    return deleted


def _admit(actor: access.Actor, scope: Scope, terms: Terms) -> None:
    """A plan is the first half of a replay: who may not replay gets none, and the try is on record."""
    with audit.admitted("letters.replay", actor=actor, target=f"plan of {scope.in_words()}"):
        if terms.target.kind is Kind.TOPIC and not access.visible_topics(actor).allows(terms.target.topic):
            raise access.Denied(f"The target topic lies outside the topic scopes of {actor.shown}.")


def _observe(topics: Iterable[str], partitions: Mapping[str, int], *, now: datetime) -> None:
    """Remember partition counts that are new to us: a later plan sees that a topic was changed since a letter came."""
    wanted = {topic: partitions[topic] for topic in topics if topic in partitions}
    with transaction.atomic():
        newest = TopicShape.objects.filter(cluster=clusters.MAIN, topic__in=list(wanted)).order_by("topic", "-since")
        known = {shape.topic: shape.partitions for shape in newest.distinct("topic")}
        changed = [
            TopicShape(cluster=clusters.MAIN, topic=topic, partitions=count, since=now)
            for topic, count in sorted(wanted.items())
            if known.get(topic) != count
        ]
        TopicShape.objects.bulk_create(changed, ignore_conflicts=True)


def _counts(counts: Tally, terms: Terms, *, duplicates: int, has_no_proof: bool) -> dict[str, Any]:
    shortest_s, longest_s = ramp.duration_s(
        items=len(counts.ids), rate=terms.rate, patience_s=policy.canary_patience_s()
    )
    longest_s += outcome.WINDOW_MIN_S if has_no_proof else 0  # the last ones pass only when their window has ended
    return {
        "letters": len(counts.ids),
        "left_out": {str(reason): counts.leaving[reason] for reason in Leaving if counts.leaving[reason]},
        "duplicates": duplicates,
        "failed_before": counts.failed_before,
        "unknown_before": counts.unknown_before,
        "partition_changed": counts.partition_changed,
        "group_unknown": counts.group_unknown,
        "by_group": [
            {"group": group_id, "title": title, "letters": number}
            for (group_id, title), number in counts.by_group.most_common(plans.NAMES_MAX)
        ],
        "groups": len(counts.by_group),
        "by_topic": _top(counts.by_topic),
        "by_age": dict(counts.by_age),
        "consumer_groups": sorted(counts.consumer_groups - {""})[: plans.NAMES_MAX],
        "duration_s": {"shortest": round(shortest_s, 1), "longest": round(longest_s, 1)},
    }


def _top(counter: Counter[str]) -> dict[str, int]:
    top = dict(counter.most_common(plans.NAMES_MAX))
    rest = counter.total() - sum(top.values())
    return top | ({"other": rest} if rest else {})
