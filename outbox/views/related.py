"""The events about a thing, as its page shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from outbox import queries
from outbox.queries import EventRow
from outbox.queries.about import State
from reliability import access
from reliability.console.domain.values import Part, Status, TimelineRow

URL = "/outbox/"
PARKED_URL = f"{URL}#parked"
EVENTS_MAX = 60  # lines of a timeline that others share; the newest
_WORDS: dict[State, tuple[Status, str]] = {
    "parked": ("crit", "Cannot be sent"),
    "refused": ("crit", "Refused"),
    "behind": ("warn", "Waits behind"),
    "unknown": ("warn", "Not known"),
    "waiting": ("prog", "On its way"),
    "sent": ("ok", "Sent"),
}
"""Each state's status and word, the one that needs somebody most first."""
_SAID: dict[State, str] = {
    "parked": "cannot be sent",
    "refused": "was refused by Kafka",
    "behind": "waits behind one of its key that cannot be sent",
    "unknown": "was being sent when a relay died: nobody knows whether Kafka has it",
    "waiting": "waits to be sent",
    "sent": "was sent",
}


def events(actor: access.Actor, name: str, within_s: float) -> Sequence[Part]:
    """Return one part for all events about ``name`` of topics that the actor may see; none where there are none."""
    found = queries.about(name, visible=access.visible_topics(actor), limit=EVENTS_MAX + 1)
    shown = found[:EVENTS_MAX]
    if not shown:
        return []
    counts = Counter(row.state for row in shown)
    worst = next(state for state in _WORDS if counts[state])
    status, word = _WORDS[worst]
    if worst == "waiting" and any(row.is_paused for row in shown if row.state == "waiting"):
        status, word = "paused", "Paused"
    more = len(found) > EVENTS_MAX
    return [
        Part(
            kind="events",
            title=f"the newest {len(shown)} events" if more else f"{len(shown)} event{'' if len(shown) == 1 else 's'}",
            text=_why(shown, worst),
            url=PARKED_URL if worst in ("parked", "behind") else URL,
            status=status,
            word=word,
            at=shown[0].at,
            facts=_counted(counts),
            happened=tuple(map(_line, shown)),
        )
    ]


def _counted(counts: Counter[State]) -> tuple[tuple[str, str], ...]:
    """How many are in each state, where there are several."""
    if len(counts) == 1:
        return ()
    return tuple((word, str(counts[state])) for state, (_, word) in _WORDS.items() if counts[state])


def _why(rows: Sequence[EventRow], worst: State) -> str:
    """What the one that needs somebody is, and its reason; else the newest."""
    row = next(row for row in rows if row.state == worst)
    return f"{_named(row)}: {_reason(row)}" if _reason(row) else f"the newest: {_named(rows[0])}"


def _line(row: EventRow) -> TimelineRow:
    place = row.receipt.offset if row.receipt is not None and row.receipt.state == "sent" else None
    where = f" ({row.receipt.partition}@{place})" if row.receipt is not None and place is not None else ""
    why = f": {_reason(row)}" if _reason(row) else ""
    return TimelineRow(
        at=row.at,
        kind="machine",
        status=_WORDS[row.state][0],
        text=f"{_named(row)} {_SAID[row.state]}{where}{why}",
        url=PARKED_URL if row.state in ("parked", "behind") else "",
        topics=(row.topic,),
    )


def _named(row: EventRow) -> str:
    return f"{row.event_type or 'event'} to {row.topic}"


def _reason(row: EventRow) -> str:
    return row.receipt.error if row.receipt is not None else row.reason
