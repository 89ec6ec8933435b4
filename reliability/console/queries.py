"""What the overview shows: the verdict, what needs a person, a tile per system, one timeline of machines and people."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

import structlog

from reliability import access
from reliability.audit import queries as audit_queries
from reliability.console import outage
from reliability.console.domain import process_facts, sentences
from reliability.console.domain import verdict as rules
from reliability.console.domain.values import Fact, Item, Part, Status, Subject, Tile, TimelineRow
from reliability.console.domain.verdict import Verdict
from reliability.console.registry import REGISTRY, Panel, Registry
from reliability.live import queries as live_queries
from reliability.live.domain.processes import HeartbeatRow

if TYPE_CHECKING:
    from reliability.audit.models import Entry

log = structlog.get_logger(__name__)

T = TypeVar("T")
TIMELINE_ROWS = 40
TIMELINE_SINCE = timedelta(hours=24)
_ROOMS = {
    "dlq": "dead letters",
    "lag": "consumer lag",
    "outbox": "the outbox",
    "breakers": "the breakers",
    "console": "processes",
    "orders": "the demo",
}
_OUTCOMES: dict[str, Status] = {"done": "ok", "refused": "warn", "failed": "crit"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """What needs a person, worst and oldest first. ``unread`` names the sources that could not be asked."""

    items: list[Item]
    unread: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many things."""
        return rules.things(self.items)

    @property
    def worst(self) -> Status:
        """How bad the worst is; unknown when a source could not be asked and nothing else is wrong."""
        found = rules.worst(item.status for item in self.items)
        return "unknown" if self.unread and found == "ok" else found

    @property
    def by_page(self) -> dict[str, tuple[int, Status]]:
        """For each page's slug: how many of its lines, at least one, and how bad the worst thing is."""
        pages: dict[str, list[Item]] = {}
        for item in self.items:
            pages.setdefault(item.room, []).append(item)
        return {
            room: (max(1, sum(item.lines for item in items)), rules.worst(item.status for item in items))
            for room, items in pages.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The first page, as one actor may see it at ``at``."""

    at: datetime
    verdict: Verdict
    attention: Attention
    tiles: list[Tile]
    timeline: list[TimelineRow]

    def shown(self) -> object:
        """What a reader would notice, without ages; for the hash of the live region."""
        tiles = [(t.title, t.value, t.unit, t.status, t.word, t.points) for t in self.tiles]
        items = [(i.id, i.status, i.word, i.title, i.detail, i.count) for i in self.attention.items]
        return [self.verdict.sentence, items, tiles, [(row.at, row.text) for row in self.timeline]]


def overview(*, actor: access.Actor, now: datetime, registry: Registry = REGISTRY) -> Overview:
    """Everything on the first page."""
    needed = attention(actor=actor, registry=registry)
    looked_back = now - timedelta(days=rules.LOOKED_BACK_DAYS)
    week = [row for row in _machine_rows(since=looked_back, registry=registry) if _may_see(actor, row.topics)]
    verdict = rules.verdict(items=needed.items, unread=needed.unread, last_problem_at=rules.last_problem(week), now=now)
    rows = timeline(actor=actor, since=now - TIMELINE_SINCE, machine=week, registry=registry)
    shown = tiles(actor=actor, registry=registry)
    return Overview(at=now, verdict=verdict, attention=needed, tiles=shown, timeline=rows)


def attention(*, actor: access.Actor, registry: Registry = REGISTRY) -> Attention:
    """What needs a person, from every room, as far as the actor may see it."""
    items: list[Item] = []
    unread: list[str] = []
    for name, found in attention_by_source(actor=actor, registry=registry):
        if found is None:
            unread.append(name)
        else:
            items += found
    return Attention(items=rules.ordered(items), unread=tuple(dict.fromkeys(unread)))


def attention_by_source(
    *, actor: access.Actor, registry: Registry = REGISTRY
) -> Iterator[tuple[str, list[Item] | None]]:
    """What needs a person, by the name of who tells of it, as far as the actor may see it; None: could not be asked."""
    for source in registry.attentions:
        found = _read(partial(source, actor), name=_name_of(source))
        yield _name_of(source), None if found is None else [item for item in found if _may_see(actor, item.topics)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What may explain trouble, worst and newest first. ``unread`` names the sources that could not be asked."""

    facts: list[Fact]
    unread: tuple[str, ...] = ()


def facts_about(
    subjects: Iterable[Subject], *, window: timedelta, actor: access.Actor, registry: Registry = REGISTRY
) -> Facts:
    """What every room knows that may explain trouble with the subjects, as far as the actor may see it."""
    found: dict[tuple[str, str], Fact] = {}
    unread: list[str] = []
    for subject in subjects:
        for source in registry.causes:
            facts = _read(partial(source, subject, window), name=_name_of(source))
            if facts is None:
                unread.append(_name_of(source))
            found |= {(fact.kind, fact.text): fact for fact in facts or () if _may_see(actor, fact.topics)}
    return Facts(facts=rules.worst_first(found.values()), unread=tuple(dict.fromkeys(unread)))


def found(*, actor: access.Actor, wanted: str, registry: Registry = REGISTRY) -> list[Part]:
    """What has a name like this one, from every room that is asked by name."""
    parts: list[Part] = []
    for source in registry.finders:
        parts += _read(partial(source, actor, wanted), name=_name_of(source)) or ()
    return parts


def processes(*, actor: access.Actor) -> list[HeartbeatRow]:
    """The last word of every process, without texts that may name topics for who does not see every one."""
    rows = live_queries.heartbeats()
    if access.visible_topics(actor).is_everything:
        return rows
    return [replace(row, facts=process_facts.without_topics(row.facts)) for row in rows]


def tiles(*, actor: access.Actor, registry: Registry = REGISTRY) -> list[Tile]:
    """A tile per panel, in the panels' order, as the actor may see it; one that could not be read says so."""
    panels = sorted(registry.panels.values(), key=lambda panel: (panel.order, panel.slug))
    return [_read(partial(panel.tile, actor), name=panel.slug) or _unread_tile(panel) for panel in panels]


def timeline(
    *,
    actor: access.Actor,
    since: datetime,
    limit: int = TIMELINE_ROWS,
    machine: Sequence[TimelineRow] | None = None,
    registry: Registry = REGISTRY,
) -> list[TimelineRow]:
    """What machines and people did since an instant, newest first, at most ``limit`` rows."""
    rows = list(_machine_rows(since=since, registry=registry) if machine is None else machine)
    seen = [row for row in rows if row.at >= since and _may_see(actor, row.topics)]
    if access.may(actor, "activity.view"):
        seen += _acts(actor=actor, since=since, limit=limit)
    return sorted(seen, key=lambda row: row.at, reverse=True)[:limit]


def _machine_rows(*, since: datetime, registry: Registry) -> list[TimelineRow]:
    rows: list[TimelineRow] = []
    for source in registry.timelines:
        rows += _read(lambda source=source: source(since, TIMELINE_ROWS), name=_name_of(source)) or ()  # type: ignore[misc]
    return rows


def _acts(*, actor: access.Actor, since: datetime, limit: int) -> list[TimelineRow]:
    return [act_row(entry) for entry in audit_queries.recent(actor=actor, since=since, limit=limit)]


def act_row(entry: Entry) -> TimelineRow:
    """Return an entry of the audit as a line of a timeline."""
    return TimelineRow(
        at=entry.at,
        kind="person" if entry.actor_kind in ("user", "token", "cli") else "machine",
        status=_OUTCOMES.get(entry.outcome, "unknown"),
        text=sentences.sentence(
            act=entry.act,
            target=entry.target,
            outcome=entry.outcome,
            reason=entry.reason,
            on=entry.facts.get("on"),
            title=entry.facts.get("title"),
        ),
        who=entry.told.in_words,
        url=f"/activity/?{urlencode({'target': entry.target}, safe=':/')}" if entry.target else "/activity/",
    )


def _may_see(actor: access.Actor, topics: Collection[str]) -> bool:
    return actor.scopes.is_everything or all(actor.scopes.allows(topic) for topic in topics)


def _read(source: Callable[[], T], *, name: str) -> T | None:
    """Ask a room; None when it failed. Without a connection it goes on: there is no page to make then."""
    try:
        return source()
    except Exception as error:  # the edge between rooms: one broken room must not take the overview away
        if outage.no_connection(error):
            raise
        log.exception("source_unread", source=name)
        return None


def _name_of(source: object) -> str:
    """The room a function belongs to, as a sentence names it."""
    module = str(getattr(source, "__module__", ""))
    room = module.removeprefix("reliability.").partition(".")[0]
    return _ROOMS.get(room, room or "a room")


def _unread_tile(panel: Panel) -> Tile:
    return Tile(title=panel.title, value="?", status="unknown", word="Could not be read", url="/", at=None)
