"""What rooms hand to the console: values, never models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from reliability.kernel.telemetry.names import Metric

Status = Literal["ok", "warn", "crit", "prog", "paused", "unknown"]
STATUSES: tuple[str, ...] = get_args(Status)
_STATUS_OF: dict[str, Status] = {status: status for status in get_args(Status)}


def status_of(shape: str) -> Status:
    """Return the status that a page's shape stands for; unknown for what is none."""
    return _STATUS_OF.get(shape, "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something that needs a person, with the one best act.

    ``id`` is stable while the trouble lasts (``"letters:group:12"``), ``room`` is the slug of a page, ``word`` the
    status in one word, ``url`` where it is looked at. ``act_url`` may be the same page with a dialog open; an act
    that changes something is a POST. ``count`` is how many things the item stands for. ``topics`` are the Kafka topics
    it names: who may not see all of them does not see the item; the name "" stands for a topic that is not known, which
    takes every topic. ``is_cause``: other troubles may follow from it, so it comes first among its severity.
    ``place``: lower ones come first among those that are as bad; alike, the oldest does.
    ``lines``: for how many lines of its page it stands, 0 when it stands on another page of the room.
    ``act_opens``: what following ``act_url`` leads to; a dialog is a page that is shown over this one.
    """

    id: str
    room: str
    status: Status
    word: str
    title: str
    since: datetime | None
    url: str
    detail: str = ""
    act_label: str = ""
    act_url: str = ""
    act_method: Literal["get", "post"] = "get"
    act_opens: Literal["page", "dialog"] = "page"
    count: int = 1
    topics: tuple[str, ...] = ()
    is_cause: bool = False
    place: int = 0
    lines: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One figure of the overview. ``at`` is when it was read, None when it could not be.

    ``points`` cover ``span`` ("last 60 min"), None is a gap; ``unfinished``: the last of them is not over yet and will
    still grow.
    """

    title: str
    value: str
    status: Status
    word: str
    url: str
    at: datetime | None
    unit: str = ""
    points: Sequence[float | None] = ()
    span: str = ""
    unfinished: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineRow:
    """One line of the merged timeline: what a machine did (``machine``) or an operator (``person``).

    ``topics``: as for items.
    """

    at: datetime
    kind: Literal["machine", "person"]
    status: Status
    text: str
    url: str = ""
    who: str = ""
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check found. ``remedy`` says what to do, and is never empty when the verdict is not ``ok``."""

    verdict: Literal["ok", "warn", "fail"]
    found: str
    remedy: str = ""
    facts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A signal's value, in the signal's unit, and when it was true. ``topics``: whoever may not see all of them is not
    told it; none: it is for everybody."""

    value: float
    at: datetime
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a cause is asked for."""

    kind: Literal["topic", "group", "dependency"]
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something known that may explain trouble with a subject. ``topics``: as for items."""

    kind: str
    text: str
    since: datetime | None
    severity: Status
    url: str = ""
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where something can be done or looked at; ``opens``: what following it leads to, as ``act_opens`` of items."""

    label: str
    url: str
    opens: Literal["page", "dialog"] = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A thing that belongs to another one: a letter to an order, a receipt to an event. Also what a search finds.

    ``word`` is its status in one word, where it has one; ``at`` since when it is so. ``url`` is where it is looked at,
    "" when that is nowhere else. ``facts`` are names with their values (an instant is shown as the reader wants times),
    ``links`` what can be done about it, ``happened`` what happened to it, in any order.
    """

    kind: str
    title: str
    text: str
    url: str
    status: Status = "unknown"
    at: datetime | None = None
    word: str = ""
    facts: tuple[tuple[str, str | datetime], ...] = ()
    links: tuple[Link, ...] = ()
    happened: tuple[TimelineRow, ...] = ()


SectionState = Literal["ok", "empty", "slow", "failed", "busy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What one source answered about a thing.

    ``ok``: ``parts``; ``empty``: it knows nothing of it. Else ``error`` says what happened, in a sentence: ``slow``, it
    was asked and did not answer in time; ``failed``, it could not; ``busy``, it was not asked, because questions before
    this one were still without an answer. ``took_ms`` is None when there is no answer. ``left_out``: parts beyond those
    that one answer may have. ``is_quiet``: that it knows nothing is not worth a line. ``is_itself``: what it knows is
    the thing itself, not something about it.
    """

    name: str
    state: SectionState
    parts: tuple[Part, ...] = ()
    error: str = ""
    took_ms: float | None = None
    left_out: int = 0
    is_quiet: bool = False
    is_itself: bool = False

    @property
    def is_answered(self) -> bool:
        """Whether the source said what it knows, if only that it knows nothing."""
        return self.state in ("ok", "empty")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One sample of a metric that is read from the database at scrape time (``read`` in telemetry/names.py)."""

    metric: Metric
    value: float
    labels: dict[str, str] = field(default_factory=dict)
