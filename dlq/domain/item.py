"""One letter of one replay: its states and what moves it between them.

planned --appended--> queued
planned --withdrawn--> cancelled
queued --stored--> sent
queued --refused--> cancelled
queued --lost--> unknown
sent --gone_by--> passed
sent --proved--> confirmed
sent --failed--> failed_again
sent --expired--> unknown
passed --proved--> confirmed
passed --failed--> failed_again
unknown --failed--> failed_again
unknown --proved--> confirmed

The lines above are the transition table; a test compares them with it.
"""

from __future__ import annotations

from enum import StrEnum

from reliability.kernel.errors import MainstayError


class ItemState(StrEnum):
    """How far an item has come; each word claims no more than is known."""

    PLANNED = "planned"  # approved, not yet in the outbox: can still be taken back
    QUEUED = "queued"  # in the outbox: on its way, cannot be taken back
    SENT = "sent"  # Kafka holds it: there is a receipt
    PASSED = "passed"  # the group went by and no new letter came within the window
    CONFIRMED = "confirmed"  # there is proof that it was processed
    FAILED_AGAIN = "failed_again"  # the group gave up on it again
    UNKNOWN = "unknown"  # nothing more can be said
    CANCELLED = "cancelled"  # never sent


class ItemEvent(StrEnum):
    """What can happen to an item."""

    APPENDED = "appended"  # its event is in the outbox
    WITHDRAWN = "withdrawn"  # taken back before that, or not possible to append
    STORED = "stored"  # a receipt says where
    REFUSED = "refused"  # Kafka will never take it
    LOST = "lost"  # a relay died with it and nobody can tell
    GONE_BY = "gone_by"  # the window ended quietly
    PROVED = "proved"  # inbox row, or a group that commits after processing
    FAILED = "failed"  # a new letter, or an inbox row that gave up
    EXPIRED = "expired"  # the deadline passed, or the group was reset or deleted


class ImpossibleMove(MainstayError):
    """The item is not in a state in which this can happen."""


_S, _E = ItemState, ItemEvent

TRANSITIONS: dict[tuple[ItemState, ItemEvent], ItemState] = {
    (_S.PLANNED, _E.APPENDED): _S.QUEUED,
    (_S.PLANNED, _E.WITHDRAWN): _S.CANCELLED,
    (_S.QUEUED, _E.STORED): _S.SENT,
    (_S.QUEUED, _E.REFUSED): _S.CANCELLED,
    (_S.QUEUED, _E.LOST): _S.UNKNOWN,
    (_S.SENT, _E.GONE_BY): _S.PASSED,
    (_S.SENT, _E.PROVED): _S.CONFIRMED,
    (_S.SENT, _E.FAILED): _S.FAILED_AGAIN,
    (_S.SENT, _E.EXPIRED): _S.UNKNOWN,
    (_S.PASSED, _E.PROVED): _S.CONFIRMED,
    (_S.PASSED, _E.FAILED): _S.FAILED_AGAIN,
    (_S.UNKNOWN, _E.FAILED): _S.FAILED_AGAIN,
    (_S.UNKNOWN, _E.PROVED): _S.CONFIRMED,
}

CLAIMING = frozenset({_S.PLANNED, _S.QUEUED, _S.SENT, _S.PASSED})
"""While an item is in one of these, no other run may take its letter."""

UNSETTLED = frozenset({_S.PLANNED, _S.QUEUED, _S.SENT})
"""A run with an item in one of these is not over."""

WAITING_FOR_OUTCOME = frozenset({_S.SENT, _S.PASSED, _S.UNKNOWN})
"""Items whose outcome may still change."""

GOOD = frozenset({_S.PASSED, _S.CONFIRMED})


def moved(state: ItemState, event: ItemEvent) -> ItemState:
    """Return the state after ``event``; raise ``ImpossibleMove`` when it cannot happen in ``state``."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise ImpossibleMove(f"an item that is {state} cannot be {event}") from None


def sources(event: ItemEvent) -> frozenset[ItemState]:
    """Return the states in which ``event`` can happen: the guard of every UPDATE."""
    return frozenset(state for state, each in TRANSITIONS if each is event)


def letter_state(state: ItemState, *, has_new_letter: bool) -> str:
    """Return where the item's letter stands when the item is in ``state``.

    A letter that failed again is resolved when a new letter took its place, else it is open again: so one failure is
    always exactly one open letter. What was never sent, and what nobody can tell, is open for the operator to decide.
    """
    if state in UNSETTLED:
        return "replaying"
    if state in GOOD or (state is _S.FAILED_AGAIN and has_new_letter):
        return "resolved"
    return "open"
