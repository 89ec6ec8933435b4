"""What people read: one message about one incident, frozen when it is decided, the same for every channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from reliability.alerts.domain.telling import Event

TITLE_CHARS_MAX: Final = 200
THINGS_SHOWN: Final = 10
VEIL: Final = "Things, some of them outside your topics."
"""What is told instead of titles to who may not see all that a message names."""
_WORDS: Final = {
    Event.TRIGGER: "",
    Event.WORSE: "Worse: ",
    Event.ACKNOWLEDGE: "Acknowledged: ",
    Event.REMINDER: "Still so: ",
    Event.RESOLVE: "Over: ",
    Event.TEST: "Test: ",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """One thing that alerts, as it was then."""

    title: str
    detail: str = ""
    url: str = ""
    severity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An incident at one moment. ``dedup_key`` is the same for all messages about it; ``at`` is when this was true.

    ``things`` are the first few of ``count``. ``by`` and ``reason``: who acknowledged, and why.
    """

    event: Event
    dedup_key: str
    title: str
    severity: str
    rule: str
    environment: str
    since: str
    at: str
    things: tuple[Thing, ...] = ()
    count: int = 0
    url: str = ""
    runbook: str = ""
    by: str = ""
    reason: str = ""

    @property
    def subject(self) -> str:
        """Return it in one line: what happened to what, and where."""
        line = f"{_WORDS[self.event]}{self.title}"
        return f"[{self.environment}] {line}"[:TITLE_CHARS_MAX] if self.environment else line[:TITLE_CHARS_MAX]

    @property
    def lines(self) -> list[str]:
        """Return the rest of it, line by line, as plain text."""
        found = [f"{self.severity} since {self.since}" if self.event is not Event.RESOLVE else f"since {self.since}"]
        if self.event is Event.RESOLVE:
            found[0] += f", over {self.at}"
        if self.by:
            found.append(f"by {self.by}: {self.reason}" if self.reason else f"by {self.by}")
        found += [f"- {each.title}{f': {each.detail}' if each.detail else ''}" for each in self.things]
        if self.count > len(self.things) > 0:
            found.append(f"and {self.count - len(self.things):,} more")
        found += [f"{name}: {value}" for name, value in (("Console", self.url), ("Runbook", self.runbook)) if value]
        return found

    @property
    def text(self) -> str:
        """Return all of it as plain text."""
        return "\n".join([self.subject, *self.lines])


def as_json(message: Message) -> dict[str, Any]:
    """Return a message as JSON; ``read`` makes it again. Webhooks get just this."""
    return asdict(message) | {"event": message.event.value, "things": [asdict(each) for each in message.things]}


def read(given: Mapping[str, Any]) -> Message:
    """Return the message that our own JSON describes."""
    things = tuple(Thing(**each) for each in given["things"])
    return Message(**{**given, "event": Event(given["event"]), "things": things})


def veiled(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message's JSON without what names things: for who may not see all of them."""
    return {**given, "title": VEIL, "things": []}


def instant(at: datetime) -> str:
    """Return an instant as messages name it, in UTC to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def title_of(things: Sequence[Thing], *, count: int, room: str) -> str:
    """Return what an incident is called: the thing itself, or how many and the first of them."""
    if not things:
        return f"Nothing is left of it in {room}" if room else "Nothing is left of it"
    if count <= 1:
        return things[0].title[:TITLE_CHARS_MAX]
    where = f" in {room}" if room else ""
    return f"{count:,} things{where}: {things[0].title}"[:TITLE_CHARS_MAX]
