"""What the console's front page, timeline, metrics and doctor say of degradation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from reliability.console.domain.values import CheckResult, Figure, Item, Sample, Status, Tile, TimelineRow
from reliability.degradation.domain.precedence import Source
from reliability.degradation.domain.snapshot import Held
from reliability.degradation.models import Change, Flag, Policy
from reliability.degradation.models.history import Kind
from reliability.degradation.queries import standing
from reliability.kernel import clock
from reliability.kernel.command_line import spelled
from reliability.kernel.telemetry import names

TITLE: Final = "Degradation"
URL: Final = "/degradation/"
ENDS_SOON: Final = timedelta(minutes=10)
SILENT_AFTER: Final = timedelta(minutes=1)
_RELEASE: Final = spelled("degradation", "policy", "release", "NAME", "--reason", "WHY", "--as", "USER")
_BY_TIME: Final = (Kind.EXPIRED, Kind.TIME, Kind.DECLARED)
"""What nobody did: acts of people and of policies are told by the activity."""


def tile(*, now: datetime) -> Tile:
    """How many flags are degraded, of how many."""
    levels = [each.standing(now).level for each in standing.every(now=now)]
    if not levels:
        return Tile(title=TITLE, value="—", unit="none declared", status="unknown", word="No flags", at=None, url=URL)
    degraded = sum(level > 0 for level in levels)
    return Tile(
        title=TITLE,
        value=str(degraded),
        unit=f"of {len(levels)} flag{'' if len(levels) == 1 else 's'} degraded",
        status="warn" if degraded else "ok",
        word="Users lose something" if degraded else "Nothing is lost",
        at=now,
        url=URL,
    )


def attention(*, now: datetime) -> Sequence[Item]:
    """Policies that ask for a person, flags that are degraded, and levels set by hand that end soon."""
    held = [_of_held(row) for row in Policy.objects.filter(held_since__isnull=False).order_by("name")]
    blind = [_of_blind(row) for row in Policy.objects.filter(is_on=True).order_by("name") if row.unknown]
    flags = [item for each in standing.every(now=now) if (item := _of_flag(each, now=now)) is not None]
    return [*held, *flags, *blind]


def _of_held(row: Policy) -> Item:
    return Item(
        id=f"degradation:held:{row.name}",
        room="degradation",
        status="crit",
        word="Held",
        title=f"The policy {row.name} of {row.flag_id} has stopped deciding",
        detail=f"{row.held_why}. Look at its signals, then release it.",
        since=row.held_since,
        url=URL,
        act_label="Look",
        act_url=URL,
    )


def _of_blind(row: Policy) -> Item:
    return Item(
        id=f"degradation:blind:{row.name}",
        room="degradation",
        status="warn",
        word="Blind",
        title=f"The policy {row.name} of {row.flag_id} does not see all of its signals",
        detail=f"Nothing is known of {', '.join(row.unknown)}. By these it neither degrades nor comes back.",
        since=None,
        url=URL,
        act_label="Look",
        act_url=URL,
    )


def _of_flag(held: Held, *, now: datetime) -> Item | None:
    found = held.standing(now)
    declaration, decides = held.declaration, found.decides
    level = declaration.levels[declaration.known(found.level)]
    ends_soon = decides.source is Source.OPERATOR and decides.until is not None and decides.until - now <= ENDS_SOON
    if found.level == 0 and not ends_soon:
        return None
    ends = f" It ends at {decides.until:%H:%M} UTC." if decides.until is not None else ""
    return Item(
        id=f"degradation:flag:{declaration.name}",
        room="degradation",
        status="warn" if found.level or ends_soon else "ok",
        word="Ends soon" if ends_soon else "Degraded",
        title=f"{declaration.title}: {level.loses.rstrip('.')}",
        detail=f"{found.why}{ends}",
        since=decides.since,
        url=URL,
        act_label="Look",
        act_url=URL,
    )


def timeline(since: datetime, limit: int) -> Sequence[TimelineRow]:
    """What time and code changed. What people and policies did, the activity tells, with their reasons."""
    rows = Change.objects.filter(at__gt=since, kind__in=_BY_TIME).order_by("-at", "-id")[:limit]
    return [
        TimelineRow(at=row.at, kind="machine", status=_status(row), text=_text(row), url=URL, who="degradation")
        for row in rows
    ]


def _status(row: Change) -> Status:
    return "warn" if row.after > 0 else "ok"


def _text(row: Change) -> str:
    moved = f"goes from level {row.before} to {row.after}" if row.before != row.after else f"stays at level {row.after}"
    return f"{row.flag} {moved}: {row.why}"


def level(flag: str) -> Sample | None:
    """Return a flag's level in force as a signal; None for a flag that there is not."""
    row = Flag.objects.filter(name=flag).first() if "\x00" not in flag else None
    if row is None:
        return None
    now = clock.SYSTEM.now()
    return Sample(value=float(standing.held(row, now=now).standing(now).level), at=now)


def figures(*, now: datetime) -> Iterator[Figure]:
    """Levels in force and who decides them, for Prometheus."""
    for held in standing.every(now=now):
        found = held.standing(now)
        name = held.declaration.name
        yield Figure(metric=names.DEGRADATION_LEVEL, value=found.level, labels={"flag": name})
        source = found.decides.source.value
        yield Figure(metric=names.DEGRADATION_SOURCE, value=1, labels={"flag": name, "source": source})
    yield Figure(metric=names.DEGRADATION_HELD, value=Policy.objects.filter(held_since__isnull=False).count())


def check(*, now: datetime) -> CheckResult:
    """A line of doctor: whether policies are looked at, and how many flags are degraded."""
    late = Policy.objects.filter(is_on=True).exclude(looked_at__gte=now - SILENT_AFTER)
    waiting = [row.name for row in late if row.saved_at < now - SILENT_AFTER]
    if waiting:
        return CheckResult(
            verdict="fail",
            found=f"policies that nobody has looked at for a minute: {', '.join(waiting[:3])}",
            remedy="Start a worker for the queue critical, and beat. Until then flags stay at their levels.",
        )
    held = list(Policy.objects.filter(held_since__isnull=False).values_list("name", flat=True))
    if held:
        return CheckResult(
            verdict="warn",
            found=f"policies that ask for a person: {', '.join(held[:3])}",
            remedy=f"Look at their signals, then release them: {_RELEASE}",
        )
    levels = [each.standing(now).level for each in standing.every(now=now)]
    return CheckResult(verdict="ok", found=f"{len(levels)} flags, {sum(level > 0 for level in levels)} degraded")
