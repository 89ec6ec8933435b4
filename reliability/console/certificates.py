"""What the console tells of certificates: what needs a person, a line of doctor, a metric."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from reliability.certificates import queries
from reliability.certificates.definitions import places
from reliability.console.domain.values import CheckResult, Figure, Item
from reliability.console.registry import REGISTRY, Check
from reliability.kernel import clock
from reliability.kernel.telemetry import names

URL = "/settings/#certificates"
UNKNOWN_FOR = timedelta(days=1)
"""So long nobody is troubled with a certificate that cannot be seen: that its server is away is told elsewhere."""


def register() -> None:
    """Register everything of this module; called once at start."""
    REGISTRY.register_attention(lambda actor: attention(now=clock.SYSTEM.now()))
    REGISTRY.register_figures(figures)
    REGISTRY.register_check(Check(name="certificates", run=lambda: check(now=clock.SYSTEM.now())))


def attention(*, now: datetime) -> list[Item]:
    """An item for each certificate that has ended or ends soon, or was not seen for a day."""
    return [_item(row, now) for row in queries.rows(now=now) if _needs_a_person(row, now)]


def _needs_a_person(row: queries.Row, now: datetime) -> bool:
    if row.standing.status == "unknown":
        return row.looked_at is not None and now - row.looked_at > UNKNOWN_FOR
    return row.standing.status != "ok"


def _item(row: queries.Row, now: datetime) -> Item:
    standing = row.standing
    has_ended = row.ends_at is not None and row.ends_at <= now
    return Item(
        id=f"certificate:{row.name}",
        room="settings",
        status=standing.status,
        word=standing.word,
        title=f"Certificate of {row.name}",
        detail=f"{standing.sentence}. {standing.todo}",
        since=row.ends_at if has_ended else None,
        is_cause=has_ended,
        url=URL,
        act_label="See certificates",
        act_url=URL,
    )


def figures() -> Iterator[Figure]:
    """When each certificate that was seen ends."""
    for row in queries.rows(now=clock.SYSTEM.now()):
        if row.ends_at is not None:
            labels = {"endpoint": row.name, "role": row.role}
            yield Figure(metric=names.CERTIFICATE_ENDS, value=row.ends_at.timestamp(), labels=labels)


def check(*, now: datetime) -> CheckResult:
    """Every certificate holds for a while, and was seen."""
    rows = queries.rows(now=now)
    if not rows:
        wanted = len(places())
        if not wanted:
            return CheckResult(verdict="ok", found="no server is spoken to over TLS")
        remedy = "Start beat and a worker of the queue bulk: they look once an hour."
        return CheckResult(verdict="warn", found=f"{wanted} certificates, none was looked at yet", remedy=remedy)
    bad = [row for row in rows if row.standing.status != "ok"]
    ends = min((row.ends_at for row in rows if row.ends_at is not None), default=None)
    first = f", the first ends on {ends:%Y-%m-%d}" if ends else ""
    if not bad:
        return CheckResult(verdict="ok", found=f"{len(rows)} hold{first}")
    remedy = "\n".join(f"{row.name}: {row.standing.sentence}. {row.standing.todo}" for row in bad)
    has_ended = any(row.standing.status == "crit" for row in bad)
    found = f"{len(bad)} of {len(rows)} need a look{first}"
    return CheckResult(verdict="fail" if has_ended else "warn", found=found, remedy=remedy)
