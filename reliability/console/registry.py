"""Where rooms meet: each registers what it can tell in its ``AppConfig.ready()``, the console asks without knowing it.

In memory, filled at start, the same in every process. Functions given here take no lock and keep no connection; they
read and return values of ``console/domain/values.py``. What they raise is shown as "could not be read", never hidden.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog
from django.db import transaction

from reliability import access
from reliability.console.domain.values import (
    CheckResult,
    Fact,
    Figure,
    Item,
    Link,
    Part,
    Sample,
    Status,
    Subject,
    Tile,
    TimelineRow,
)
from reliability.kafka.rights import Need

__all__ = [
    "REGISTRY",
    "Check",
    "CheckResult",
    "Fact",
    "Figure",
    "Item",
    "Ladder",
    "Link",
    "Need",
    "Panel",
    "Part",
    "Registry",
    "Related",
    "Sample",
    "Signal",
    "Status",
    "Subject",
    "Tile",
    "TimelineRow",
    "on_touched",
    "register_attention",
    "register_cause",
    "register_check",
    "register_figures",
    "register_finder",
    "register_ladder",
    "register_needs",
    "register_panel",
    "register_related",
    "register_signal",
    "register_timeline",
    "touched",
]

log = structlog.get_logger(__name__)

Attention = Callable[[access.Actor], Sequence[Item]]  # as this one may see it
Timeline = Callable[[datetime, int], Sequence[TimelineRow]]  # since, at most this many, newest first
Cause = Callable[[Subject, timedelta], Sequence[Fact]]
Finder = Callable[[access.Actor, str], Sequence[Part]]  # what has this name, as this one may see it
Figures = Callable[[], Iterable[Figure]]
Needs = Callable[[str, Collection[str]], Iterable[Need]]  # what it takes in this cluster, where these topics are seen
Listener = Callable[[Sequence[str], str], None]  # ids, by whom


T = TypeVar("T")


class AlreadyRegistered(ValueError):
    """Two registrants claim the same name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A tile of the overview; ``order`` is its place in the grid, ``page`` the page it belongs to: that of its slug
    unless it is said.

    ``tile`` is told for whom: a number holds nothing of topics that the actor may not see, or says what it is of.
    """

    slug: str
    title: str
    tile: Callable[[access.Actor], Tile]
    order: int = 100
    page: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A line of ``manage.py doctor``; ``run`` answers within seconds and raises nothing on an outage."""

    name: str
    run: Callable[[], CheckResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A number that policies and alerts may watch; ``read`` returns None when the subject has no value.

    ``room``: the slug of the page that shows it, with which it is muted; "" for none.
    """

    name: str
    unit: str
    read: Callable[[str], Sample | None]
    room: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Time limits that must grow from rung to rung: (what, seconds), the innermost call first."""

    name: str
    rungs: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """A source of what belongs to a thing: a section of its page.

    ``name`` is the section's title, and what is said not to have answered. ``ask`` gets who asks, the thing's id, and
    the seconds it may take; it returns the parts that this one may see, most telling first, none when it knows nothing.
    It runs in a thread, in a transaction of its own that reads only (``console/related.py``). ``act`` is the right that
    seeing them takes: without it the section is not there. ``order`` is its place on the page. ``is_itself``: its
    parts are the thing, not something about it. ``is_quiet``: without parts it is not shown.
    """

    name: str
    act: str
    ask: Callable[[access.Actor, str, float], Sequence[Part]]
    order: int = 100
    is_itself: bool = False
    is_quiet: bool = False


class Registry:
    """All that was registered. One instance serves a process; tests make their own."""

    def __init__(self) -> None:
        self.panels: dict[str, Panel] = {}
        self.checks: dict[str, Check] = {}
        self.signals: dict[str, Signal] = {}
        self.ladders: dict[str, Ladder] = {}
        self.attentions: list[Attention] = []
        self.timelines: list[Timeline] = []
        self.causes: list[Cause] = []
        self.figures: list[Figures] = []
        self.related: dict[str, dict[str, Related]] = defaultdict(dict)
        self.finders: list[Finder] = []
        self.needs: list[Needs] = []
        self.listeners: dict[str, list[Listener]] = defaultdict(list)

    def register_panel(self, panel: Panel) -> None:
        """Add a tile; raises ``AlreadyRegistered``."""
        _claim(self.panels, panel.slug, panel)

    def register_check(self, check: Check) -> None:
        """Add a line to doctor; raises ``AlreadyRegistered``."""
        _claim(self.checks, check.name, check)

    def register_signal(self, signal: Signal) -> None:
        """Add a signal; raises ``AlreadyRegistered``."""
        _claim(self.signals, signal.name, signal)

    def register_ladder(self, ladder: Ladder) -> None:
        """Add a ladder of time limits for doctor to check; raises ``AlreadyRegistered``."""
        _claim(self.ladders, ladder.name, ladder)

    def register_attention(self, items: Attention) -> None:
        """Add a source of things that need a person."""
        self.attentions.append(items)

    def register_timeline(self, rows: Timeline) -> None:
        """Add a source of machine events; operator acts come from the audit by themselves."""
        self.timelines.append(rows)

    def register_cause(self, facts: Cause) -> None:
        """Add a source of facts that may explain trouble with a topic, a group or a dependency."""
        self.causes.append(facts)

    def register_related(self, kind: str, source: Related) -> None:
        """Add a source of what belongs to a thing of ``kind`` (``"order"``); raises ``AlreadyRegistered``."""
        _claim(self.related[kind], source.name, source)

    def register_finder(self, finder: Finder) -> None:
        """Add a source of things that the search of the top bar finds by name."""
        self.finders.append(finder)

    def register_figures(self, figures: Figures) -> None:
        """Add metrics that are read from the database when Prometheus scrapes."""
        self.figures.append(figures)

    def register_needs(self, needs: Needs) -> None:
        """Add what a room needs to be allowed in a Kafka cluster; ``doctor`` says how to grant what is missing."""
        self.needs.append(needs)

    def on_touched(self, kind: str, listener: Listener) -> None:
        """Call ``listener`` after rows of ``kind`` changed. A call may be lost: have a schedule that covers it."""
        self.listeners[kind].append(listener)

    def touched(self, kind: str, ids: Iterable[object], *, by: str = "") -> None:
        """Say that rows of ``kind`` changed: listeners are called when the transaction around commits, else at once."""
        known = tuple(str(each) for each in ids)
        if known and self.listeners[kind]:
            transaction.on_commit(partial(self._tell, kind, known, by), robust=True)

    def _tell(self, kind: str, ids: Sequence[str], by: str) -> None:
        for listener in self.listeners[kind]:
            try:
                listener(ids, by)
            except Exception:  # the edge between rooms: the writer is committed and must not fail for its listeners
                log.exception("touched_listener_failed", kind=kind, count=len(ids), by=by)


def _claim(known: dict[str, T], name: str, value: T) -> None:
    if name in known:
        raise AlreadyRegistered(f"{name!r} is registered twice")
    known[name] = value


REGISTRY = Registry()

register_needs = REGISTRY.register_needs
register_panel = REGISTRY.register_panel
register_check = REGISTRY.register_check
register_ladder = REGISTRY.register_ladder
register_signal = REGISTRY.register_signal
register_attention = REGISTRY.register_attention
register_timeline = REGISTRY.register_timeline
register_cause = REGISTRY.register_cause
register_related = REGISTRY.register_related
register_finder = REGISTRY.register_finder
register_figures = REGISTRY.register_figures
on_touched = REGISTRY.on_touched
touched = REGISTRY.touched
