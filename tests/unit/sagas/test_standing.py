"""How a saga stands, in sentences: why, what next, and whether it is stuck."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sagas.domain.standing import Facts, standing
from sagas.domain.state import Effect, Parked, Status

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
RUNNING = Facts(
    status=Status.RUNNING,
    step="charge",
    side="do",
    effect=Effect.RUNNING,
    attempts=1,
    waits_for="",
    parked="",
    reason="",
    error="",
    due_at=NOW + timedelta(seconds=20),
    look_at=NOW + timedelta(seconds=8),
    deadline=None,
    has_code=True,
)


@pytest.mark.parametrize(
    ("changes", "severity", "words", "stuck"),
    [
        ({}, "busy", "charge runs: try 1.", False),
        ({"side": "undo"}, "busy", "charge is being undone: try 1.", False),
        ({"effect": Effect.RETRYING, "error": "busy"}, "warn", "charge failed, once: busy", False),
        ({"effect": Effect.RETRYING, "attempts": 3, "error": "busy"}, "warn", "charge failed, 3 times: busy", True),
        ({"effect": Effect.UNKNOWN, "error": "no answer"}, "warn", "charge had no answer, once: no answer", False),
        ({"effect": Effect.AWAITING, "waits_for": "paid"}, "busy", "It waits for paid.", False),
        ({"effect": Effect.IDLE}, "busy", "It goes on.", False),
        ({"effect": Effect.IDLE, "status": Status.COMPENSATING, "reason": "x"}, "busy", "It goes back. x", False),
        ({"status": Status.COMPLETED}, "calm", "Every step is done.", False),
        ({"status": Status.TERMINATED, "reason": "a test"}, "calm", "nothing was undone. a test", False),
        ({"look_at": NOW - timedelta(minutes=1)}, "bad", "no worker takes it", True),
        ({"look_at": NOW - timedelta(minutes=1), "has_code": False}, "bad", "No worker has the code", True),
    ],
)  # fmt: skip
def test_each_has_its_sentence(changes: dict[str, object], severity: str, words: str, stuck: bool) -> None:
    told = standing(replace(RUNNING, **changes), now=NOW)  # type: ignore[arg-type]
    assert (told.severity, told.stuck) == (severity, stuck)
    assert words in told.why


@pytest.mark.parametrize("parked", list(Parked))
def test_whoever_needs_a_person_says_why(parked: Parked) -> None:
    told = standing(replace(RUNNING, status=Status.NEEDS_OPERATOR, parked=parked), now=NOW)
    assert told.severity == "bad"
    assert told.why not in ("", "It needs a person.")
    with_reason = replace(RUNNING, status=Status.NEEDS_OPERATOR, parked=parked, reason="So it is.")
    assert standing(with_reason, now=NOW).why == "So it is."
    assert told.next == ""
