"""What reconciliations found about a thing, as its page shows it: the findings of its key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.urls import reverse

from reliability import access
from reliability.console.domain.values import Link, Part, TimelineRow, status_of
from reliability.kernel import text
from sagas.domain.reconciling.finding import State
from sagas.queries import findings
from sagas.queries.findings import Line
from sagas.queries.findings import Row as Finding
from sagas.reconciler import policies
from sagas.views.reconciling import wording
from sagas.views.reconciling.wording import Kind

FINDINGS_MAX = 10  # one for each reconciliation that knows the key
LINES_MAX = 20  # of each history, the newest; the rest is on the finding's own page


def of_key(actor: access.Actor, key: str, within_s: float) -> Sequence[Part]:
    """Return the findings of this key, what needs a person first; those that are closed too."""
    if not text.is_storable(key):
        return []
    return [_part(row, actor) for row in findings.by_key(key)[:FINDINGS_MAX]]


def _part(row: Finding, actor: access.Actor) -> Part:
    kind = wording.kind_of(row)
    shape, word = wording.state_of(row, kind)
    url = reverse("reconcile:finding", args=[row.id])
    return Part(
        kind="finding",
        title=kind.title,
        text=row.why if row.state != State.CLOSED and access.may(actor, "reconcile.repair") else "",
        url=url,
        status=status_of(shape),
        word=word,
        at=row.ended_at if row.state == State.CLOSED else row.opened_at or row.first_at,
        facts=(("Compared", kind.reconciliation_title),),
        links=_links(row, kind, actor),
        happened=tuple(_lines(row, kind, url)),
    )


def _links(row: Finding, kind: Kind, actor: access.Actor) -> tuple[Link, ...]:
    """The best repair, shown before it is done, to who may do it."""
    repairs = kind.defined.repairs if kind.defined is not None else ()
    if row.state != State.OPEN or not repairs or not access.may(actor, "reconcile.repair"):
        return ()
    url = reverse("reconcile:repair", args=[row.id])
    return (Link(label=f"{repairs[0].title}…", url=url, opens="dialog"),)


def _lines(row: Finding, kind: Kind, url: str) -> Iterator[TimelineRow]:
    for line in findings.history(row.id)[:LINES_MAX]:
        shape, said = wording.NOTES[line.note]
        why = _why(line)
        yield TimelineRow(
            at=line.at,
            kind="person" if line.actor not in ("", policies.actor_name(row.reconciliation)) else "machine",
            status=status_of(shape),
            text=f"{kind.title}: {said}" + (f": {why}" if why else ""),
            url=url,
            who=line.actor,
        )


def _why(line: Line) -> str:
    """What was done about it, and why, where a person or a rule did something."""
    reason, title = str(line.data.get("reason", "")), str(line.data.get("title", ""))
    told = ": ".join(part for part in (title, f"“{reason}”" if reason else "") if part)
    return text.printable(told, limit=wording.VALUE_CHARACTERS)
