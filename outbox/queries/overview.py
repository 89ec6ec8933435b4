"""What the console's front page, timeline, doctor and metrics say of the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from outbox import models
from outbox.queries.parked import parked
from outbox.queries.partitions import AHEAD_WANTED, partitions_ahead
from outbox.queries.relays import relay_heard_within, relays
from outbox.queries.shards import BEHIND_AFTER_S, POINTS_OVER_S, Backlog, ShardRow, backlog, rates, seen, shards, total
from reliability import access
from reliability.console.domain import wording
from reliability.console.domain.values import CheckResult, Figure, Item, Sample, Status, Tile, TimelineRow
from reliability.kernel.command_line import spelled
from reliability.kernel.telemetry import names

URL = "/outbox/"
PARKED_URL = "/outbox/#parked"
ACCEPT_DATABASE = spelled("outbox", "accept-database", "--as", "NAME", "--reason", "WHY")
RELAY = spelled("relay_outbox")
UPKEEP = spelled("outbox", "upkeep")
RESUME = spelled("outbox", "resume", "--as", "NAME")
STATUS = spelled("outbox", "status")
SILENT_S = 10.0  # a relay not heard of for this long is missing


def tile(*, actor: access.Actor, now: datetime) -> Tile:
    """How many events wait, and how many went each second of the last minutes: of all topics, as shards carry them."""
    visible = access.visible_topics(actor)
    whole = total(seen(shards(now), visible=visible))
    status, word = _verdict(whole)
    return Tile(
        title="Outbox",
        value=f"{whole.events:,}" + ("+" if whole.capped else ""),
        unit="waiting" if visible.is_everything else "of all topics",
        status=status,
        word=word,
        points=rates(now),
        span=f"sent a second, last {POINTS_OVER_S // 60} min",
        at=now,
        url=URL,
    )


def _verdict(whole: Backlog) -> tuple[Status, str]:
    if whole.halted:
        return "crit", "Halted"
    if not relay_heard_within(seconds=SILENT_S):
        return "crit", "No relay"
    if whole.oldest_age_s > BEHIND_AFTER_S:
        return ("paused", "Paused") if whole.paused_shards else ("crit", "Stuck")
    if whole.parked:
        return "warn", "Parked keys"
    return ("paused", "Paused") if whole.paused_shards else ("ok", "Flowing")


def attention(*, actor: access.Actor, now: datetime) -> Sequence[Item]:
    """Halted or missing relays, stuck or paused shards, parked keys of visible topics, a table soon full."""
    visible = access.visible_topics(actor)
    rows = seen(shards(now), visible=visible)
    whole = total(rows)
    found = [_halted(whole), _relay_missing(), _stuck(rows), _paused(rows), _parked(whole, visible), _partitions()]
    return [item for item in found if item is not None]


def _halted(whole: Backlog) -> Item | None:
    if not whole.halted:
        return None
    setting = models.Setting.objects.get()
    return Item(
        id="outbox:halted",
        room="outbox",
        status="crit",
        word="Halted",
        is_cause=True,
        title="The outbox's relays are halted",
        detail=f"{whole.halted}. See what was sent and is not known here, then: {ACCEPT_DATABASE}",
        since=setting.halted_at,
        url=URL,
        act_label="Look",
        act_url=URL,
    )


def _relay_missing() -> Item | None:
    if relay_heard_within(seconds=SILENT_S):
        return None
    last = next(iter(relays()), None)
    return Item(
        id="outbox:relay",
        room="outbox",
        status="crit",
        word="Missing",
        is_cause=True,
        title="No relay sends the outbox's events",
        detail=f"They wait in the table. Start the Celery worker of the queue relay, or: {RELAY}",
        since=last.seen_at if last else None,
        url=URL,
        act_label="Look",
        act_url=URL,
    )


def _behind(rows: Sequence[ShardRow]) -> list[ShardRow]:
    """The shards that should send and do not, or too slowly."""
    return [row for row in rows if row.oldest_age_s > BEHIND_AFTER_S and row.paused_at is None]


def _stuck(rows: Sequence[ShardRow]) -> Item | None:
    stuck = _behind(rows)
    if not stuck:
        return None
    oldest = max(stuck, key=lambda row: row.oldest_age_s)
    error = next((row.last_error for row in stuck if row.failures and row.last_error), "")
    return Item(
        id="outbox:stuck",
        room="outbox",
        status="crit",
        word="Stuck",
        title=f"{len(stuck)} {'shard has' if len(stuck) == 1 else 'shards have'} events that are not sent",
        detail=error or "the oldest waits longer than it should",
        since=oldest.oldest_at,
        url=URL,
        act_label="Look",
        act_url=f"{URL}#shard-{oldest.id}",
        count=len(stuck),
    )


def _paused(rows: Sequence[ShardRow]) -> Item | None:
    paused = [row for row in rows if row.paused_at is not None]
    if not paused:
        return None
    words = dict.fromkeys(f"by {row.paused_by or 'nobody known'}: {row.pause_reason or 'no reason'}" for row in paused)
    return Item(
        id="outbox:paused",
        room="outbox",
        status="warn",
        word="Paused",
        is_cause=True,
        title=_paused_sentence(rows),
        detail="; ".join(words),
        since=min(row.paused_at for row in paused if row.paused_at is not None),
        url=URL,
        act_label="Look",
        act_url=f"{URL}#shard-{paused[0].id}" if len(paused) < len(rows) else URL,
        count=len(paused),
    )


def _paused_sentence(rows: Sequence[ShardRow]) -> str:
    """What is paused and how much waits there; "" when nothing is."""
    paused = [row for row in rows if row.paused_at is not None]
    if not paused:
        return ""
    some = f"{len(paused)} of {len(rows)} shards of the outbox {'is' if len(paused) == 1 else 'are'} paused"
    events, capped = sum(row.backlog for row in paused), any(row.backlog_capped for row in paused)
    waits = "1 event waits" if events == 1 else f"{events:,}{'+' if capped else ''} events wait"
    return f"{'The outbox is paused' if len(paused) == len(rows) else some}: {waits}"


def _parked(whole: Backlog, visible: access.VisibleTopics) -> Item | None:
    if not whole.parked:
        return None
    first = parked(limit=1, visible=visible)
    return Item(
        id="outbox:parked",
        room="outbox",
        status="warn",
        word="Parked",
        title=f"{whole.parked:,} {'event is' if whole.parked == 1 else 'events are'} parked, in order, and not sent",
        detail=f"{first[0].topic}: {first[0].reason}" if first else "",
        since=first[0].parked_at if first else None,
        url=PARKED_URL,
        act_label="Look",
        act_url=PARKED_URL,
        count=whole.parked,
    )


def _partitions() -> Item | None:
    ahead = partitions_ahead()
    if ahead >= AHEAD_WANTED:
        return None
    return Item(
        id="outbox:partitions",
        room="outbox",
        status="crit" if ahead == 0 else "warn",
        word="Nearly full",
        title=f"The outbox table has {ahead} empty {'partition' if ahead == 1 else 'partitions'} left",
        detail=f"When the last one is full, appends fail. Run: {UPKEEP}",
        since=None,
        url=URL,
        act_label="Look",
        act_url=URL,
    )


def timeline(since: datetime, limit: int) -> Sequence[TimelineRow]:
    """Keys that were parked, shards that failed, a halt."""
    rows = [
        TimelineRow(
            at=row.parked_at,
            kind="machine",
            status="warn",
            text=f"Parked an event for {row.topic}: {row.reason}",
            url=PARKED_URL,
            topics=(row.topic,),
        )
        for row in models.Parked.objects.filter(parked_at__gt=since, behind=False).order_by("-parked_at")[:limit]
    ]
    failed = models.Shard.objects.filter(last_error_at__gt=since).order_by("-last_error_at").first()
    if failed is not None and failed.last_error_at is not None:
        text = f"The outbox could not send: {failed.last_error}"
        anywhere = ("",)  # the error may name any topic
        rows.append(
            TimelineRow(at=failed.last_error_at, kind="machine", status="crit", text=text, url=URL, topics=anywhere)
        )
    for setting in models.Setting.objects.filter(halted_at__gt=since):
        if setting.halted_at is not None:
            text = f"The outbox's relays were halted: {setting.halt_reason}"
            rows.append(TimelineRow(at=setting.halted_at, kind="machine", status="crit", text=text, url=URL))
    return sorted(rows, key=lambda row: row.at, reverse=True)[:limit]


def figures(*, now: datetime) -> Iterable[Figure]:
    """Backlog by shard, oldest age, parked events, what keeps relays from sending, room in the table."""
    rows = shards(now)
    whole = total(rows)
    for row in rows:
        yield Figure(metric=names.OUTBOX_BACKLOG, value=row.backlog, labels={"shard": str(row.id)})
    yield Figure(metric=names.OUTBOX_OLDEST, value=whole.oldest_age_s)
    yield Figure(metric=names.OUTBOX_PARKED, value=whole.parked)
    yield Figure(metric=names.OUTBOX_HALTED, value=float(bool(whole.halted)))
    yield Figure(metric=names.OUTBOX_PAUSED, value=whole.paused_shards)
    yield Figure(metric=names.OUTBOX_AHEAD, value=partitions_ahead())


def oldest_age(*, now: datetime) -> Sample:
    """The signal ``outbox.oldest_age``: seconds that the oldest unsent event has waited."""
    return Sample(value=backlog(now).oldest_age_s, at=now)


def check(*, now: datetime) -> CheckResult:
    """The line of ``manage.py doctor``."""
    rows, ahead = shards(now), partitions_ahead()
    whole = total(rows)
    facts = {
        "waiting": str(whole.events),
        "partitions ahead": str(ahead),
        "parked": str(whole.parked),
        "paused shards": str(whole.paused_shards),
    }
    if whole.halted:
        remedy = f"look what was sent, then run: {ACCEPT_DATABASE}"
        return CheckResult(verdict="fail", found=whole.halted, remedy=remedy, facts=facts)
    warnings = _warnings(rows, ahead=ahead)
    if warnings:
        found, remedy = "; ".join(found for found, _ in warnings), "\n".join(remedy for _, remedy in warnings)
        return CheckResult(verdict="warn", found=found, remedy=remedy, facts=facts)
    speed = "not sent here: read-only" if access.is_read_only() else f"{whole.rate_per_s:.0f}/s"
    return CheckResult(verdict="ok", found=f"{whole.events} events waiting, {speed}", facts=facts)


def _warnings(rows: Sequence[ShardRow], *, ahead: int) -> list[tuple[str, str]]:
    """What doctor warns of, each with what to do."""
    found = []
    if not access.is_read_only() and not relay_heard_within(seconds=SILENT_S):
        remedy = f"start the Celery worker of the queue relay, or run: {RELAY}"
        found.append(("no relay has been heard of lately", remedy))
    if paused := _paused_sentence(rows):
        found.append((paused, f"when the reason is gone, run: {RESUME}"))
    if behind := _behind(rows):
        oldest_s = max(row.oldest_age_s for row in behind)
        text = f"behind: the oldest event waits for {wording.span(oldest_s)}, at most {BEHIND_AFTER_S:.0f} s are usual"
        found.append((text, f"see what the relays say: {STATUS}"))
    if ahead < AHEAD_WANTED:
        found.append((f"{ahead} empty partitions ahead of the writers", f"run: {UPKEEP}"))
    return found
