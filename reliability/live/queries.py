"""Reads of the live room: heartbeats, versions, which sessions still stand."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db.models.functions import Now

from reliability import access
from reliability.access import queries as access_queries
from reliability.access.queries import sessions as sessions_of
from reliability.kernel import clock
from reliability.live import connection
from reliability.live.domain import topics as topic_rules
from reliability.live.domain import versions as rules
from reliability.live.domain.processes import STOPPED, HeartbeatRow, Missing, Restarting, missing, newest, restarting
from reliability.live.models import Heartbeat

# What is asked for at least so often when Redis does not answer.
POLL_EVERY_S = 5.0


def heartbeats() -> list[HeartbeatRow]:
    """The last word of every process, per name and host."""
    return newest(_rows())


def heard_within(name: str, *, seconds: float) -> bool:
    """Whether a process of that name that has not stopped spoke within that time, by the database's clock."""
    lately = Heartbeat.objects.filter(name=name, at__gt=Now() - timedelta(seconds=seconds))
    return lately.exclude(state=STOPPED).exists()


def missing_processes() -> list[Missing]:
    """Processes that should have spoken and did not."""
    return missing(_rows())


def restarting_processes() -> list[Restarting]:
    """Processes that restart again and again."""
    return restarting(_rows())


def _rows() -> list[HeartbeatRow]:
    rows = Heartbeat.objects.annotate(read_at=Now()).order_by("-at")[:500]  # far more than a deployment has processes
    return [
        HeartbeatRow(
            name=row.name,
            host=row.host,
            pid=row.pid,
            state=row.state,
            facts=row.facts,
            at=row.at,
            started_at=row.started_at,
            age_s=max(0.0, (row.read_at - row.at) / timedelta(seconds=1)),
        )
        for row in rows
    ]


def versions(topics: Collection[str], *, url: str = "") -> tuple[dict[str, str], bool]:
    """The versions of topics, and whether they are Redis's; without Redis each reading after 5 s is another version."""
    asked = list(topics)
    if not asked:
        return {}, True
    try:
        pipe = connection.client(url=url).pipeline(transaction=False)
        pipe.get(connection.EPOCH_KEY)
        pipe.zmscore(connection.VERSIONS_KEY, asked)
        epoch, numbers = pipe.execute()
    except (redis.RedisError, OSError):
        now = rules.without_hints(clock.SYSTEM.monotonic(), every_s=POLL_EVERY_S)
        return dict.fromkeys(asked, now), False
    named = epoch or rules.NO_EPOCH
    return {topic: rules.version(named, int(number or 0)) for topic, number in zip(asked, numbers, strict=True)}, True


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRef:
    """A signed-in browser."""

    session_key: str
    user_id: int


def actors_of(sessions: Collection[SessionRef], *, now: datetime) -> dict[SessionRef, access.Actor]:
    """Who stands behind each session that is still good; sessions that ended are left out.

    Ended: signed out, its time over, revoked, the account disabled, the password changed. Few queries, one per user.
    """
    rows = Session.objects.filter(session_key__in={ref.session_key for ref in sessions}, expire_date__gt=now)
    contents = {row.session_key: row.get_decoded() for row in rows}
    users = get_user_model().objects.filter(pk__in={ref.user_id for ref in sessions}, is_active=True).in_bulk()
    over = sessions_of.over(contents.keys(), now=now)
    actors: dict[int, access.Actor] = {}
    found: dict[SessionRef, access.Actor] = {}
    for ref in sessions:
        user = users.get(ref.user_id)
        if user is None or ref.session_key in over:
            continue
        if sessions_of.is_of(contents.get(ref.session_key, {}), user):
            if ref.user_id not in actors:
                actors[ref.user_id] = access_queries.actor_of_user(user)
            found[ref] = actors[ref.user_id]
    return found


MaySee = Callable[[access.Actor, str], bool]  # the row's id
_ROWS: dict[str, MaySee] = {}


def guard(word: str, may_see: MaySee) -> None:
    """Say who may hear of one row of ``word``; its room does at start. Without it nobody may."""
    if word not in topic_rules.WITH_ID:
        raise ValueError(f"{word!r} is no word that takes an id")
    _ROWS[word] = may_see


def has_role_for(actor: access.Actor, topic: str) -> bool:
    """Whether an actor's role lets it hear of a topic."""
    right = topic_rules.right_of(topic)
    if right is None:
        return False
    try:
        access.admit(actor, right)
    except access.Denied:
        return False
    return True


def may_follow(actor: access.Actor, topic: str) -> bool:
    """Whether an actor may hear that a topic changed.

    Its role decides, since a topic without an id says nothing but that there is news. Of one row hears who may see it;
    for who does not see every Kafka topic the database is asked.
    """
    if not has_role_for(actor, topic):
        return False
    row = topic_rules.id_in(topic)
    if row is None or actor.scopes.is_everything:
        return True
    word, row_id = row
    return word in _ROWS and _ROWS[word](actor, row_id)


def followed(actor: access.Actor, topics: Collection[str]) -> frozenset[str]:
    """Those of the topics that an actor may follow."""
    return frozenset(topic for topic in topics if may_follow(actor, topic))
