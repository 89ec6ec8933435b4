"""What a repair is made of: a few things to be done, as values, so that what is shown is what is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sagas.domain.acts import Act


@dataclass(frozen=True, slots=True, kw_only=True)
class StartSaga:
    """Start a saga; ``key`` makes it one, however often it is asked for."""

    definition: str
    version: int
    key: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def says(self) -> str:
        """In one sentence."""
        return f"Starts the saga {self.definition} (version {self.version}) for {self.key}."

    def facts(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "command": "start_saga",
            "definition": self.definition,
            "version": self.version,
            "key": self.key,
            "data": dict(self.data),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TellSaga:
    """Tell a saga of an event; ``event_id`` makes it the same event when it is told again."""

    definition: str
    key: str
    event: str
    event_id: str
    payload: Any = None

    def says(self) -> str:
        """In one sentence."""
        return f"Tells the saga {self.definition} of {self.key} that {self.event} happened, as {self.event_id}."

    def facts(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "command": "tell_saga",
            "definition": self.definition,
            "key": self.key,
            "event": self.event,
            "event_id": self.event_id,
            "payload": self.payload,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ActOnSaga:
    """Do what an operator can do to a saga, such as compensating it."""

    definition: str
    key: str
    act: Act

    def says(self) -> str:
        """In one sentence."""
        words = {
            Act.COMPENSATE: "Has the saga {} of {} undo what it did.",
            Act.RETRY: "Has the saga {} of {} try again.",
            Act.TERMINATE: "Ends the saga {} of {} as it stands.",
        }
        told = words.get(self.act, f"Does “{self.act}” to the saga {{}} of {{}}.")
        return told.format(self.definition, self.key)

    def facts(self) -> dict[str, Any]:
        """As plain values."""
        return {"command": "act_on_saga", "definition": self.definition, "key": self.key, "act": str(self.act)}


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendEvent:
    """Append an event to the outbox: it is sent if, and only if, the repair is written down."""

    topic: str
    key: str
    event_type: str
    value: Mapping[str, Any]

    def says(self) -> str:
        """In one sentence."""
        return f"Sends {self.event_type} to {self.topic}, with the key {self.key}."

    def facts(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "command": "append_event",
            "topic": self.topic,
            "key": self.key,
            "event_type": self.event_type,
            "value": dict(self.value),
        }


Command = StartSaga | TellSaga | ActOnSaga | AppendEvent
