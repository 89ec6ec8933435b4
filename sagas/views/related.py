"""The sagas of a thing, as its page shows them: those with its name as their business key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.urls import reverse

from reliability import access
from reliability.console.domain.values import Link, Part, Status, TimelineRow, status_of
from sagas.domain.history import Kind
from sagas.domain.state import Status as SagaStatus
from sagas.queries import histories, keyed
from sagas.queries.lists import Listed
from sagas.views import mirror, wording

SAGAS_MAX = 5  # one for each definition that a key runs through
ENTRIES_MAX = 40  # of each history, the newest; the rest is on the saga's own page
_MARKED: dict[str, Status] = {"ok": "ok", "warn": "warn", "crit": "crit", "unknown": "warn"}
"""How the marks of entries on a saga's own page are told; what only begins or waits has none there."""
_TURNS: dict[Kind, Status] = {
    Kind.COMPLETED: "ok",
    Kind.COMPENSATED: "warn",
    Kind.TURNED: "warn",
    Kind.PARKED: "crit",
}
"""What happens to a saga as a whole stands out among the entries of its steps."""


def sagas(actor: access.Actor, key: str, within_s: float) -> Sequence[Part]:
    """Return the sagas with this business key, the newest first, each with its history."""
    found = keyed.of_key(key, now=histories.database_now(), limit=SAGAS_MAX)
    return [_part(each, actor) for each in found]


def _part(listed: Listed, actor: access.Actor) -> Part:
    saga, standing = listed.saga, listed.standing
    url = reverse("sagas:saga", args=[saga.id])
    kind, word = wording.STATUSES[SagaStatus(saga.status)]
    decides = saga.status == SagaStatus.NEEDS_OPERATOR and access.may(actor, "sagas.act")
    return Part(
        kind="saga",
        title=f"{saga.definition} v{saga.definition_version}",
        text=standing.why,
        url=url,
        status=status_of(kind),
        word=word,
        at=saga.changed_at,
        facts=tuple(_facts(listed)),
        links=(Link(label="Decide what happens", url=url),) if decides else (),
        happened=tuple(_entries(listed, url)),
    )


def _facts(listed: Listed) -> Iterator[tuple[str, str | datetime]]:
    saga, standing = listed.saga, listed.standing
    if saga.step and saga.ended_at is None:
        yield "At hand", f"undo of {saga.step}" if saga.side == "undo" else saga.step
    if standing.next and standing.next_at is not None:
        yield standing.next, standing.next_at
    elif standing.next:
        yield "Next", standing.next
    yield "Started", saga.started_at


def _entries(listed: Listed, url: str) -> Iterator[TimelineRow]:
    history = histories.newest(listed.saga.id, limit=ENTRIES_MAX)
    for (_, event), line in zip(reversed(history), mirror.lines(history, whole=False), strict=True):
        yield TimelineRow(
            at=line.at,
            kind="person" if line.who else "machine",
            status=_TURNS.get(event.kind) or _MARKED.get(line.kind, "prog"),
            text=line.what + (f": {line.text}" if line.text else ""),
            url=f"{url}#entry-{line.number}",
            who=line.who,
        )
