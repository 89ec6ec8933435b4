"""What the outbox and its consumers know that may explain trouble with a topic or a consumer group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Count, Min

from outbox import models
from reliability.console.domain.values import Fact, Subject
from reliability.live import queries as live
from reliability.live.domain.processes import STOPPED, HeartbeatRow, Restarting

URL = "/outbox/"
LONG_CALL_S = 5.0
WAITING_NAMED_MAX = 3
EVERY = ("",)
"""Only for who sees every topic: such texts may name any."""
_CONSUMER = "consume:"
RELAY = "relay"


def cause(subject: Subject, window: timedelta, *, now: datetime) -> Sequence[Fact]:
    """Return events of a topic that cannot be sent, or what the consumers of a group are held up by."""
    if subject.kind == "topic":
        return list(_of_topic(subject.name))
    if subject.kind == "group":
        return list(_of_group(f"{_CONSUMER}{subject.name}", now))
    return []


def _of_group(name: str, now: datetime) -> Iterator[Fact]:
    restarting = [each for each in live.restarting_processes() if each.row.name == name]
    yield from map(_of_restarts, restarting)
    for row in live.heartbeats():
        if row.name == name:
            yield from _of_consumer(row, now)


def _of_restarts(found: Restarting) -> Fact:
    text = f"its consumer on {found.row.host} restarts again and again: {found.times} times of late"
    return _fact(text, since=found.since, severity="crit")


def _of_topic(topic: str) -> Iterator[Fact]:
    parked = models.Parked.objects.filter(topic=topic).aggregate(events=Count("event"), since=Min("parked_at"))
    if parked["events"]:
        count = "1 event" if parked["events"] == 1 else f"{parked['events']:,} events"
        yield Fact(
            kind="outbox",
            text=f"{count} for it cannot be sent, and wait in the outbox",
            since=parked["since"],
            severity="warn",
            url=URL,
            topics=(topic,),
        )
    waiting = models.Waiting.objects.filter(topic=topic).aggregate(events=Count("event"), since=Min("since"))
    if waiting["events"]:
        count = "1 event" if waiting["events"] == 1 else f"{waiting['events']:,} events"
        why = next((f", held back by {text}" for text in _held_by(topic)), "")
        yield Fact(
            kind="outbox",
            text=f"{count} for it {'waits' if waiting['events'] == 1 else 'wait'} in the outbox{why}",
            since=waiting["since"],
            severity="paused",
            url=URL,
            topics=(topic,),
        )
    paused = models.Shard.objects.exclude(paused_at=None).aggregate(shards=Count("id"), since=Min("paused_at"))
    if paused["shards"]:
        yield Fact(
            kind="outbox",
            text="the outbox is paused: new events for it may be waiting there",
            since=paused["since"],
            severity="paused",
            url=URL,
            topics=(topic,),
        )


def _held_by(topic: str) -> Iterator[str]:
    """What relays that are heard say the topic waits for."""
    for row in live.heartbeats():
        held = row.facts.get("held_topics")
        if row.name.startswith(RELAY) and not row.is_silent and isinstance(held, Mapping) and topic in held:
            yield str(held[topic])


def _of_consumer(row: HeartbeatRow, now: datetime) -> Iterator[Fact]:
    """What one process of ours that reads for the group says of itself; a place is told to who sees its topic."""
    if row.state == STOPPED:
        return
    spoke = now - timedelta(seconds=row.age_s)
    if row.is_silent:
        yield _fact(f"its consumer on {row.host} is not heard from", since=spoke, severity="crit")
        return
    gate = row.facts.get("gate")
    if isinstance(gate, str) and gate:
        since = _instant(row.facts.get("gate_since"))
        yield _fact(f"its consumer is held back by {gate}", since=since, severity="paused", topics=EVERY)
    lasts, place = row.facts.get("under_way_s"), row.facts.get("under_way")
    if isinstance(lasts, int | float) and lasts >= LONG_CALL_S and isinstance(place, str):
        yield _fact(
            f"its handler is busy with one message, {place}",
            since=spoke - timedelta(seconds=float(lasts)),
            severity="warn",
            topics=(place.rpartition("/")[0],),
        )
    waiting = row.facts.get("waiting")
    for place, why in list(waiting.items())[:WAITING_NAMED_MAX] if isinstance(waiting, Mapping) else []:
        yield _fact(f"its consumer waits before it goes on with {place}: {why}", since=None, topics=EVERY)


def _instant(value: object) -> datetime | None:
    """An instant as a heartbeat has it."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _fact(text: str, *, since: datetime | None, severity: str = "warn", topics: tuple[str, ...] = ()) -> Fact:
    return Fact(kind="consumer", text=text, since=since, severity=severity, url="/settings/", topics=topics)  # type: ignore[arg-type]  # a word of ours
