"""Writing a breaker's history down: each generation once, each ten seconds of traffic once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection

from reliability.breakers.domain.looks import Part
from reliability.breakers.domain.machine import Breaker as Machine
from reliability.breakers.domain.machine import State
from reliability.breakers.domain.rules import Rules
from reliability.breakers.models import Breaker, Progress, Traffic, Transition
from reliability.breakers.stores.reading import Entry

HISTORY_KEPT: Final = timedelta(days=90)
TRAFFIC_KEPT: Final = timedelta(days=7)

_TOUCH: Final = """
INSERT INTO reliability_breakers_breaker (name, kept, gen, state, first_seen_at, declared, rules, rules_version,
                                          override, override_by, override_reason, override_number)
SELECT name, '', 1, 'closed', %(now)s, declared::jsonb, '{}'::jsonb, 0, '', '', '', 0
FROM unnest(%(names)s::text[], %(declared)s::text[]) AS given (name, declared)
ON CONFLICT (name) DO UPDATE SET declared = excluded.declared
WHERE reliability_breakers_breaker.declared IS DISTINCT FROM excluded.declared
"""


def progress() -> str:
    """Inside a transaction: keep other recorders away until its end; return the last entry that is written down."""
    Progress.objects.get_or_create(id=1)
    return Progress.objects.select_for_update().get(id=1).entry


def known(declared: Mapping[str, Rules], *, now: datetime) -> None:
    """Know these breakers and the rules that their code has."""
    names = sorted(declared)
    values: dict[str, Any] = {"now": now, "names": names, "declared": [declared[name].as_json() for name in names]}
    with connection.cursor() as cursor:
        cursor.execute(_TOUCH, values)


def wrote_down(entries: Sequence[Entry], *, now: datetime) -> list[Transition]:
    """Write generations down and how far the log is read; return the transitions. One that is there stays as it is."""
    rows = [_transition(entry) for entry in entries]
    Transition.objects.bulk_create(rows, ignore_conflicts=True)
    newest = {entry.name: entry for entry in entries}
    known({name: Rules() for name in newest.keys() - set(Breaker.objects.values_list("name", flat=True))}, now=now)
    for name, entry in newest.items():
        Breaker.objects.filter(name=name).update(
            kept=entry.text, gen=entry.after.gen, state=entry.after.state, moved_at=_instant(entry.at)
        )
    if entries:
        Progress.objects.filter(id=1).update(entry=entries[-1].id)
    return rows


def begin_anew() -> None:
    """The store has lost its log: read the new one from its beginning."""
    Progress.objects.filter(id=1).update(entry="0-0")


def count(traffic: Mapping[str, Iterable[Part]]) -> None:
    """Write parts of the traffic down; one that is there already is replaced by the fuller one."""
    rows = [
        Traffic(
            breaker=name,
            at=_instant(part.at),
            calls=part.calls,
            failed=part.failed,
            slow=part.slow,
            rejected=part.rejected,
            took={str(at): number for at, number in part.took.items()},
        )
        for name, parts in traffic.items()
        for part in parts
    ]
    Traffic.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["breaker", "at"],
        update_fields=["calls", "failed", "slow", "rejected", "took"],
    )


def forget(*, now: datetime) -> None:
    """Delete history that is older than it is kept."""
    Transition.objects.filter(at__lt=now - HISTORY_KEPT).delete()
    Traffic.objects.filter(at__lt=now - TRAFFIC_KEPT).delete()


def _transition(entry: Entry) -> Transition:
    before = entry.before or Machine()
    return Transition(
        breaker=entry.name,
        gen=entry.after.gen,
        at=_instant(entry.at),
        before=before.state,
        after=entry.after.state,
        override=entry.after.override,
        reason=entry.after.reason,
        open_until=_instant(entry.after.open_until) if entry.after.state is State.OPEN else None,
    )


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
